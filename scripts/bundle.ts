/**
 * Makes the JavaScript that is published: one file for each door and for the command, and chunks with what they
 * share, so that a class is the same object whichever door it came through. Two hundred small modules take four
 * times as long to find and load.
 */
import { build, type BuildOptions } from 'esbuild';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './run-command.ts';

const options = {
  absWorkingDir: projectRoot,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  packages: 'external',
  sourcemap: true,
  // An error is named after its class, and esbuild renames a class that speaks of itself.
  keepNames: true,
  // `sideEffects: false` of package.json is for applications. Here it would leave out the check of Node's version.
  ignoreAnnotations: true,
  logLevel: 'warning',
} satisfies BuildOptions;

/**
 * Bundles the sources of this tree. Packages stay imports, late imports stay late, and nothing is made shorter.
 *
 * @param folder where it goes; the doors lie there as `package.json` names them below `dist`
 * @throws Error where the sources cannot be bundled; why is on standard error
 */
export async function bundle(folder: string): Promise<void> {
  await build({
    ...options,
    entryPoints: findEntries().map((path) => ({ in: `${path}.ts`, out: path })),
    outdir: folder,
    chunkNames: 'chunks/[name]-[hash]',
    splitting: true,
  });
  // Programs of their own, each in a thread of its own. Who starts one looks beside itself, and that is in a chunk.
  await build({
    ...options,
    entryPoints: ['sqlite-worker-main', 'sqlite-copy-main'].map(
      (name) => `src/core/engine/sqlite/worker/${name}.ts`,
    ),
    outdir: join(folder, 'chunks'),
  });
}

/** What `package.json` says that others load, below `dist` and without its ending. */
function findEntries(): string[] {
  const { exports, bin } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { default: string }>;
    bin: Record<string, string>;
  };
  const doors = Object.values(exports).flatMap((door) => (typeof door === 'string' ? [] : [door.default]));
  return [...doors, ...Object.values(bin)].map((path) =>
    path.replace(/^(\.\/)?dist\//, '').replace(/\.js$/, ''),
  );
}

/**
 * Compiles `src` and `migrations` into an empty `dist`: a module that was removed must not be shipped again.
 * The source maps get their sources, which are not in the package.
 */
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { projectRoot, runCommand } from './run-command.ts';

const dist = join(projectRoot, 'dist');
rmSync(dist, { recursive: true, force: true });
const { code } = await runCommand('tsc', ['-p', 'tsconfig.build.json'], { output: 'inherit' });
for (const map of globSync('**/*.js.map', { cwd: dist })) putSourcesInto(join(dist, map));
process.exitCode = code;

// `inlineSources` would do it, but TypeScript 7.0 takes the option and leaves the sources out.
function putSourcesInto(path: string): void {
  const map = JSON.parse(readFileSync(path, 'utf8')) as { sources: string[]; sourcesContent?: string[] };
  map.sourcesContent = map.sources.map((source) => readFileSync(join(dirname(path), source), 'utf8'));
  writeFileSync(path, JSON.stringify(map));
}

/** The library's own sources, as text. */
import { globSync, readFileSync } from 'node:fs';

export function readSources(pattern = 'src/**/*.ts'): ReadonlyMap<string, string> {
  const root = new URL('../../', import.meta.url);
  const paths = globSync(pattern, { cwd: root }).map((path) => path.replaceAll('\\', '/'));
  return new Map(paths.sort().map((path) => [path, readFileSync(new URL(path, root), 'utf8')]));
}

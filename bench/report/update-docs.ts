import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../../scripts/run-command.ts';

const page = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url));

/**
 * Puts figures into docs/benchmarks.md, in place of those of the run before.
 *
 * @param section the name between `<!-- begin … -->` and `<!-- end … -->`
 * @throws where the page has no such section
 */
export async function updateDocs(section: string, markdown: string): Promise<void> {
  const [begin, end] = [`<!-- begin ${section} -->`, `<!-- end ${section} -->`];
  const text = readFileSync(page, 'utf8');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/benchmarks.md has no section "${section}".`);
  writeFileSync(page, `${text.slice(0, from + begin.length)}\n\n${markdown}\n\n${text.slice(to)}`);
  await runCommand('prettier', ['--write', page]);
}

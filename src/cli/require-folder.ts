import { existsSync } from 'node:fs';
import { dirname, sep } from 'node:path';
import { ConfigurationError } from '../core/index.ts';

/**
 * Refuses a file whose folder is not there, before any work is done for it.
 *
 * @param option that names the file, such as `--out`
 * @throws ConfigurationError where there is no such folder
 */
export function requireFolder(option: string, file: string): void {
  const folder = dirname(file);
  // With the separator, a file of that name is none.
  if (existsSync(`${folder}${sep}`)) return;
  throw new ConfigurationError(
    `There is no folder ${folder}, which ${option} ${file} needs. Make it, or name another file.`,
  );
}

import type { Issue } from '../foundation/issue.ts';
import { isStorableText } from '../query/storable-text.ts';

/**
 * Notes a text that is none, is empty, too long, or of letters that not every engine stores.
 *
 * @param longest in UTF-16 units
 */
export function checkText(
  value: unknown,
  path: Issue['path'],
  issues: Issue[],
  longest = 1_000,
): value is string {
  if (typeof value === 'string' && value !== '' && value.length <= longest && isStorableText(value))
    return true;
  const message = `must be a string of 1 to ${longest} characters without NUL and lone surrogates`;
  issues.push({ path, message });
  return false;
}

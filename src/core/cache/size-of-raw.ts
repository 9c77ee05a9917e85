/** What an entry takes beside what it holds, in bytes: its place in the list, its fields. */
const entryBytes = 500;

/**
 * About how much memory an answer takes, by what the database gave for it.
 *
 * @returns bytes; never 0
 */
export function sizeOfRaw(raw: unknown): number {
  const ahead: unknown[] = [raw];
  let size = entryBytes;
  while (ahead.length > 0) {
    const value = ahead.pop();
    if (typeof value === 'string') size += 16 + value.length * 2;
    else if (ArrayBuffer.isView(value)) size += 96 + value.byteLength;
    else if (typeof value !== 'object' || value === null) size += 8;
    else {
      size += 48;
      for (const key in value) {
        size += 8;
        ahead.push((value as Record<string, unknown>)[key]);
      }
    }
  }
  return size;
}

/**
 * The text format of COPY: a line a row, a tab between two values, `\N` for NULL. Pure.
 *
 * @see PostgreSQL documentation, "COPY", "Text Format"
 */
import type { TransferCell, TransferKind, TransferRow } from '../transfer-table.ts';

const special = /[\\\t\n\r\b\f\v]/;
const allSpecial = /[\\\t\n\r\b\f\v]/g;
const letters: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
  '\b': '\\b',
  '\f': '\\f',
  '\v': '\\v',
};
const signs: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', b: '\b', f: '\f', v: '\v' };

/** How many characters a piece of lines has, about; and how many bytes become digits at once. */
const enough = 64 * 1024;

/**
 * Writes rows as lines, in pieces: as one text, rows of some megabytes would be in memory several times.
 *
 * @param rows with values that fit their columns
 * @param kinds of the columns: a 1 of a boolean one is `t`
 */
export function* writeCopyLines(
  rows: readonly TransferRow[],
  kinds: readonly TransferKind[],
): Generator<string, void> {
  let text = '';
  for (const row of rows) {
    for (let index = 0; index < row.length; index += 1) {
      if (index > 0) text += '\t';
      const value = row[index]!;
      if (Buffer.isBuffer(value) || (typeof value === 'string' && value.length > enough)) {
        yield text;
        text = '';
        yield* Buffer.isBuffer(value) ? writeBytes(value) : writeLongText(value);
      } else text += writeValue(value, kinds[index]!);
    }
    text += '\n';
    if (text.length < enough) continue;
    yield text;
    text = '';
  }
  yield text;
}

function* writeBytes(value: Buffer): Generator<string, void> {
  yield '\\\\x';
  for (let from = 0; from < value.length; from += enough) yield value.toString('hex', from, from + enough);
}

/** No pair of surrogates is cut: each piece becomes UTF-8 by itself. */
function* writeLongText(value: string): Generator<string, void> {
  for (let from = 0; from < value.length;) {
    const isCut = /[\uD800-\uDBFF]$/.test(value.slice(from + enough - 1, from + enough));
    const to = from + enough - (isCut ? 1 : 0);
    yield writeText(value.slice(from, to));
    from = to;
  }
}

function writeText(value: string): string {
  return special.test(value) ? value.replace(allSpecial, (sign) => letters[sign]!) : value;
}

function writeValue(value: Exclude<TransferCell, Buffer>, kind: TransferKind): string {
  if (value === null) return '\\N';
  if (typeof value === 'string') return writeText(value);
  if (kind === 'boolean') return value === 0 ? 'f' : 't';
  // The sign of a zero is lost in a template.
  return Object.is(value, -0) ? '-0' : `${value}`;
}

/** Reads the values of a line, which has no end of line any more. */
export function readCopyLine(line: string): (string | null)[] {
  const fields: (string | null)[] = line.split('\t');
  if (!line.includes('\\')) return fields;
  return fields.map((field) => {
    if (field === '\\N') return null;
    return field!.includes('\\')
      ? field!.replaceAll(/\\(.)/g, (_, sign: string) => signs[sign] ?? sign)
      : field;
  });
}

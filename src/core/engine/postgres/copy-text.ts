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

/**
 * Writes rows as lines.
 *
 * @param rows with values that fit their columns
 * @param kinds of the columns: a 1 of a boolean one is `t`
 */
export function writeCopyLines(rows: readonly TransferRow[], kinds: readonly TransferKind[]): string {
  let text = '';
  for (const row of rows) {
    for (let index = 0; index < row.length; index += 1) {
      if (index > 0) text += '\t';
      text += writeValue(row[index]!, kinds[index]!);
    }
    text += '\n';
  }
  return text;
}

function writeValue(value: TransferCell, kind: TransferKind): string {
  if (value === null) return '\\N';
  if (typeof value === 'string') {
    return special.test(value) ? value.replace(allSpecial, (sign) => letters[sign]!) : value;
  }
  if (kind === 'boolean') return value === 0 ? 'f' : 't';
  // The sign of a zero is lost in a template.
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : `${value}`;
  if (typeof value === 'bigint') return value.toString();
  return `\\\\x${value.toString('hex')}`;
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

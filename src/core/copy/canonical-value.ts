import { loadCrypto } from '../foundation/node-crypto.ts';
import type { TransferColumn, TransferKind } from '../engine/transfer-table.ts';
import { canonicalDecimal, canonicalDouble } from './canonical-decimal.ts';
import { canonicalJson } from './canonical-json.ts';
import type { CopiedColumn } from './copied-table.ts';

const longest = 1_024;

/** How the values of a column are compared: as those of a kind, or as numbers that one side holds as doubles. */
export type ComparedKind = TransferKind | 'double';

/** How the values of a column are compared: by what either side knows of them, the one that knows more. */
export function comparedKind({ from, to }: CopiedColumn): ComparedKind {
  const known = ['json', 'boolean', 'blob', 'decimal', 'real', 'integer', 'uuid'] as const;
  // A text on one side says nothing of the type on the other one, whose codec would make an object of a time.
  const least = from.kind === 'text' && to.kind === 'text' ? 'text' : 'other';
  const kind = known.find((one) => from.kind === one || to.kind === one) ?? least;
  return kind === 'decimal' && (holdsDoubles(from) || holdsDoubles(to)) ? 'double' : kind;
}

function holdsDoubles({ kind, rounding }: TransferColumn): boolean {
  return kind === 'real' || rounding === 'double';
}

/** Whether a value is read as the text that the database makes of it: a number would round, or a codec would change it. */
export function isReadAsText(kind: ComparedKind): boolean {
  return (
    kind === 'integer' ||
    kind === 'uuid' ||
    kind === 'boolean' ||
    kind === 'decimal' ||
    kind === 'double' ||
    kind === 'other'
  );
}

/**
 * The one text of a value on any engine. Pure.
 *
 * @param value as a provider reads it, or as it lies in quarantine
 */
export function canonicalValue(value: unknown, kind: ComparedKind): string | null {
  if (value === null || value === undefined) return null;
  return writeValue(value as string | number | bigint | Buffer, kind);
}

function writeValue(value: string | number | bigint | Buffer, kind: ComparedKind): string {
  switch (kind) {
    case 'json':
      return shorten(canonicalOrAsIs(String(value)));
    case 'boolean':
      return value === 'true' || value === 't' || value === '1' ? '1' : '0';
    case 'blob':
      return shorten(Buffer.isBuffer(value) ? value : Buffer.from(String(value).slice(2), 'hex'));
    // SQLite has one zero alone.
    case 'real':
      return String(Number(value) + 0);
    case 'decimal':
      return canonicalDecimal(String(value));
    case 'double':
      return canonicalDouble(String(value));
    case 'uuid':
    case 'integer':
    case 'text':
    case 'any':
    case 'other':
      return shorten(Buffer.isBuffer(value) ? value.toString('utf8') : String(value));
  }
}

/** A large value stands by its hash: texts that are made of it to be thrown away would fill the memory. */
function shorten(value: string | Buffer): string {
  if (value.length > longest) return `\0${loadCrypto().hash('sha256', value, 'hex')}`;
  return typeof value === 'string' ? value : value.toString('hex');
}

/** What is no JSON is compared as the text that it is: it can only be in quarantine. */
function canonicalOrAsIs(text: string): string {
  try {
    return canonicalJson(text);
  } catch {
    return text;
  }
}

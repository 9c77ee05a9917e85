import type { Issue } from '../foundation/issue.ts';
import type { Column } from '../query/column.ts';

/** The columns that a mapper seals, and those that their ciphertexts belong to. */
export interface SealedNames {
  readonly columns: readonly string[];
  readonly boundTo: readonly string[];
  /** The columns of their blind indexes, by the sealed column. */
  readonly indexes?: Readonly<Record<string, string>>;
}

/** What a table says of the columns that a mapper seals. */
interface SealedContext {
  readonly columns: ReadonlyMap<string, Column>;
  /** The columns of the key, and those that are only inserted. */
  readonly fixed: ReadonlySet<string | undefined>;
  readonly insertOnly: ReadonlySet<string>;
  /** The columns that count or move by themselves, so that a ciphertext would lose its place. */
  readonly moving: ReadonlySet<string | undefined>;
  readonly unique: readonly (readonly Column[])[];
}

/**
 * Checks that ciphertexts can be stored where a mapper says, and that no write of the repository leaves one beside
 * other values than those that it was sealed for.
 *
 * @param issues receives every fault
 */
export function checkSealed(sealed: SealedNames, context: SealedContext, issues: Issue[]): void {
  const { columns, fixed, insertOnly, moving, unique } = context;
  for (const name of sealed.columns) {
    const column = columns.get(name);
    const fault = (message: string) =>
      issues.push({ path: ['mapper', 'sealed'], message: `column "${name}" ${message}` });
    if (column?.kind !== 'text') fault('must be declared, and of kind "text"');
    if (fixed.has(name) && !insertOnly.has(name)) fault('is part of the key: a ciphertext names no row');
    const index = sealed.indexes?.[name];
    if (index !== undefined && fixed.has(index) !== fixed.has(name)) {
      fault(
        `and its blind index "${index}" must both be in insertOnly, or neither: each is of the other's value`,
      );
    }
    if (unique.some((constraint) => constraint.some((part) => part.name === name))) {
      fault('cannot be unique: equal values have different ciphertexts; its blind index can');
    }
  }
  for (const name of sealed.boundTo) {
    const column = columns.get(name);
    const isPlace = column !== undefined && !column.nullable && placeKinds.has(column.kind);
    if (!isPlace || column.sealed || moving.has(name) || !fixed.has(name)) {
      issues.push({
        path: ['mapper', 'sealed'],
        message: `column "${name}" cannot name a row: it must be a uuid, text or integer that is never NULL, is not encrypted, does not move by itself, and is part of the key or of insertOnly, so that no update changes it`,
      });
    }
  }
}

const placeKinds: ReadonlySet<string> = new Set(['uuid', 'text', 'integer']);

import type { Statement } from 'better-sqlite3';
import { UnsafeIntegerError } from '../../foundation/errors/statement-errors.ts';

type Row = Record<string, unknown>;

/**
 * Refuses results whose integers were rounded on their way into a JavaScript number. Reading every
 * integer as a BigInt would find them as well, at a price for every row; a rounded integer is always
 * beyond the safe range, so looking at the range is enough. Only what looks rounded is looked at twice,
 * because a REAL may be that large in its own right.
 *
 * @param reals the columns that were looked at twice, and are right; one set for all rows that are read one by one
 * @throws UnsafeIntegerError for the first column that holds such an integer
 */
export function requireSafeIntegers(
  rows: readonly Row[],
  statement: Statement,
  parameters: readonly unknown[],
  reals?: Set<string>,
): void {
  let known = reals;
  for (const row of rows) {
    for (const column in row) {
      const value = row[column];
      if (typeof value === 'number' && (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER)) {
        if (known?.has(column) === true) continue;
        requireReal(column, statement, parameters);
        (known ??= new Set()).add(column);
      }
    }
  }
}

function requireReal(column: string, statement: Statement, parameters: readonly unknown[]): void {
  const declared = statement.columns().find((candidate) => candidate.name === column)?.type ?? '';
  if (/REAL|FLOA|DOUB/i.test(declared)) return;
  // Running a read again is harmless; a write must not run twice, so its undeclared columns count as integers.
  if (statement.readonly) {
    // Another statement, since the one at hand is kept and may be in the midst of its rows.
    const twin = statement.database.prepare(statement.source).safeIntegers(true);
    const exact = twin.all(parameters) as Row[];
    if (!exact.some((row) => typeof row[column] === 'bigint' && !isSafe(row[column]))) return;
  }
  throw new UnsafeIntegerError(column);
}

function isSafe(value: bigint): boolean {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER);
}

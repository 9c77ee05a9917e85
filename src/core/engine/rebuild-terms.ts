import type { Kysely, RawBuilder } from 'kysely';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { nameIssues, refuse } from './check-portable-table.ts';
import type { DefineColumns, PortableTableTerms } from './portable-table.ts';

/** What is known of a table that is made anew, beyond its columns. */
export interface RebuildTerms extends PortableTableTerms {
  /**
   * Where values of new columns come from: a column of the old table by its name, or an expression over its
   * columns. What is not listed comes from the column of the same name. Values that come from a column must arrive
   * as they were; an expression may change them.
   */
  readonly from?: Readonly<Record<string, string | RawBuilder<unknown>>>;
  /** What is not to be there afterwards. Nothing else that the old table had is lost. */
  readonly drop?: RebuildLosses;
  /** Does the same where a table can be altered in place. It is not called on SQLite. */
  readonly alter?: () => Promise<unknown>;
}

/** What goes when a table is made anew, by its names. */
export interface RebuildLosses {
  /** Columns of the old table whose values go with it. */
  readonly columns?: readonly string[];
  /** Indexes of the table that are not made again. One that the new table has under the same name need not be named. */
  readonly indexes?: readonly string[];
  /** Triggers that are not made again. */
  readonly triggers?: readonly string[];
  /** Views that are not made again. */
  readonly views?: readonly string[];
}

/** A table that is to be made anew. */
export interface Rebuild {
  readonly name: string;
  readonly columns: DefineColumns | RawBuilder<unknown>;
  readonly terms: RebuildTerms;
}

/**
 * Checks what can be checked without the database.
 *
 * @throws ValidationError where it has faults, or `db` is no transaction
 */
export function checkRebuild(db: Kysely<any>, { name, columns, terms }: Rebuild): void {
  refuse(`table "${name}"`, nameIssues([], name));
  if (!db.isTransaction) {
    throw new ValidationError(
      `The table "${name}" can be made anew only inside of a transaction, so that a failure leaves it as it was. Its migration must not declare \`transaction: false\`.`,
    );
  }
  if (typeof columns === 'function') return;
  const said = (['primaryKey', 'unique', 'checks', 'foreignKeys'] as const).filter(
    (term) => terms[term] !== undefined,
  );
  refuse(
    `table "${name}"`,
    said.map((term) => ({ path: [term], message: 'belongs into the SQL in which the columns are given' })),
  );
}

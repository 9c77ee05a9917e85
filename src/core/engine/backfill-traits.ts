import type { Kysely, RawBuilder } from 'kysely';

/** How a backfill walks along the keys of a table on an engine. */
export interface BackfillTraits {
  /**
   * The key of a row as one text, from which the database makes the same values again. They pass through no
   * number or date of JavaScript, which would round them.
   *
   * @param columns of the key
   */
  packKey(columns: readonly string[]): RawBuilder<string>;
  /**
   * The values of a packed key, one a column.
   *
   * @param table whose key it is
   * @param columns as they were packed
   * @param packed what `packKey` gave; a text travels as a parameter
   */
  unpackKey(
    table: string,
    columns: readonly string[],
    packed: string | RawBuilder<string>,
  ): readonly RawBuilder<unknown>[];
  /**
   * Guesses how many rows a table has, without reading it.
   *
   * @returns undefined where there is nothing to guess by
   */
  estimateRows(db: Kysely<any>, table: string): Promise<number | undefined>;
  /**
   * Makes the transaction of a batch ready, such as by a short wait for locks. Absent where there is nothing to do.
   *
   * @param trx the transaction; what is set must end with it
   */
  beginBatch?(trx: Kysely<any>): Promise<void>;
}

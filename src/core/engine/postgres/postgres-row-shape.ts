import type { CustomTypesConfig, FieldDef } from 'pg';

/** A row, by the names of its columns. */
export type PostgresRow = Record<string, unknown>;

type Parse = (text: string) => unknown;

/**
 * What the rows of a statement look like: made once from what the server describes, and kept with the
 * statement where that is prepared, since the server refuses to run it once its columns would change.
 */
export class RowShape {
  /** The shape of a statement that gives no rows. */
  static readonly none = new RowShape([], { getTypeParser: () => String });

  readonly fields: readonly FieldDef[];
  readonly #names: readonly string[];
  readonly #parsers: readonly Parse[];
  // A copy of it is a row whose columns have their places already.
  readonly #empty: PostgresRow;

  /**
   * @param fields as the server describes them
   * @param types the parsers; a column of a repeated name gives way to the last one, as in pg
   */
  constructor(fields: readonly FieldDef[], types: CustomTypesConfig) {
    this.fields = fields;
    this.#names = fields.map(({ name }) => name);
    this.#parsers = fields.map(({ dataTypeID }) => types.getTypeParser(dataTypeID, 'text') as Parse);
    const empty = Object.create(null) as PostgresRow;
    for (const name of this.#names) empty[name] = null;
    this.#empty = { ...empty };
  }

  /** Makes a row of the texts of its values; null is NULL. */
  read(texts: readonly (string | null)[]): PostgresRow {
    const row = { ...this.#empty };
    for (let index = 0; index < texts.length; index += 1) {
      const text = texts[index]!;
      row[this.#names[index]!] = text === null ? null : this.#parsers[index]!(text);
    }
    return row;
  }
}

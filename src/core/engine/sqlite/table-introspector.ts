import {
  sql,
  SqliteIntrospector,
  type DatabaseMetadataOptions,
  type Kysely,
  type TableMetadata,
} from 'kysely';

interface Row {
  readonly name: string;
  readonly type: 'table' | 'view';
}

/**
 * Kysely's introspection, but for whoever asks for its internal tables too: Kysely's Migrator does, for names alone. It
 * is given no columns then. Kysely reads those of views as well, and one view that fits nothing any more would keep
 * every migration from running, the one that mends it too.
 */
export class TableIntrospector extends SqliteIntrospector {
  readonly #db: Kysely<any>;

  constructor(db: Kysely<any>) {
    super(db);
    this.#db = db;
  }

  override async getTables(options?: DatabaseMetadataOptions): Promise<TableMetadata[]> {
    if (options?.withInternalKyselyTables !== true) return super.getTables(options);
    const { rows } = await sql<Row>`
      select name, type from sqlite_schema
      where type in ('table', 'view') and name not like 'sqlite\\_%' escape '\\' order by name`.execute(
      this.#db,
    );
    return rows.map(({ name, type }) => ({ name, isView: type === 'view', isForeign: false, columns: [] }));
  }
}

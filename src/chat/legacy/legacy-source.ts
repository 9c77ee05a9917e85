import { sql, type Kysely, type RawBuilder } from 'kysely';
import {
  ConfigurationError,
  DatabaseProviderFactory,
  silentLogger,
  type DatabaseConfigInput,
  type DatabaseProvider,
} from '../../core/index.ts';
import type { LegacyThreadRow, LegacyUserRow } from './legacy-rows.ts';

interface LegacyDatabase {
  context_threads: Record<string, unknown>;
  users: Record<string, unknown>;
}

/** The tables of a legacy database that an import reads. */
export type LegacyTableName = keyof LegacyDatabase;

const columns = {
  users: ['id', 'email', 'display_name', 'auth_providers', 'api_keys', 'preferences'],
  context_threads: ['id', 'title', 'metadata', 'messages'],
} as const;
const times = ['created_at', 'updated_at'] as const;
/** Without these a table of the name is another application's. The others came later. */
const required: Readonly<Record<LegacyTableName, readonly string[]>> = {
  users: ['id', 'email'],
  context_threads: ['id', 'messages'],
};

/** Reads a snapshot of a legacy database, row by row. */
export class LegacySource {
  readonly #provider: DatabaseProvider<LegacyDatabase>;
  readonly #columns: Readonly<Record<LegacyTableName, ReadonlySet<string>>>;

  private constructor(
    provider: DatabaseProvider<LegacyDatabase>,
    found: Readonly<Record<LegacyTableName, ReadonlySet<string>>>,
  ) {
    this.#provider = provider;
    this.#columns = found;
  }

  /**
   * Opens a snapshot.
   *
   * @param file of the snapshot
   * @param label what the database is called in errors
   * @throws ConfigurationError where it holds no table of the legacy application
   */
  static async open(file: string, label: string): Promise<LegacySource> {
    const config: DatabaseConfigInput = { type: 'sqlite', connection: { filename: file } };
    // A stream is open for as long as the import lasts: that it is slow is no news.
    const options = { logger: silentLogger };
    const provider = DatabaseProviderFactory.createProvider<LegacyDatabase>(config, options);
    try {
      return new LegacySource(provider, await findColumns(provider.db, label));
    } catch (error) {
      await provider.close();
      throw error;
    }
  }

  /** How many rows a table has, or has up to a place; none where there is no such table. */
  async count(table: LegacyTableName, place?: string): Promise<number> {
    if (this.#columns[table].size === 0) return 0;
    const { count } = await this.#provider.db
      .selectFrom(table)
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .$if(place !== undefined, (query) => query.where(sql<boolean>`rowid <= ${integerOf(place!)}`))
      .executeTakeFirstOrThrow();
    return count;
  }

  /** The rows of `users`, all of them or those behind a place. */
  users(behind: string | null = null): AsyncIterable<LegacyUserRow> {
    return this.#rows<LegacyUserRow>('users', behind);
  }

  /** The rows of `context_threads`, all of them or those behind a place. */
  threads(behind: string | null = null): AsyncIterable<LegacyThreadRow> {
    return this.#rows<LegacyThreadRow>('context_threads', behind);
  }

  /** Closes the snapshot. */
  close(): Promise<void> {
    return this.#provider.close();
  }

  async *#rows<Row>(table: LegacyTableName, behind: string | null): AsyncGenerator<Row> {
    const found = this.#columns[table];
    if (found.size === 0) return;
    const texts = columns[table].map((name) => bytesOf(found, name).as(name));
    const stamps = times.flatMap((name) => [
      timeOf(found, name).as(name),
      typeOf(found, name).as(`${name}_type`),
    ]);
    const query = this.#provider.db
      .selectFrom(table)
      .select([sql<string>`cast(rowid as text)`.as('legacy_rowid'), ...texts, ...stamps])
      .$if(behind !== null, (rows) => rows.where(sql<boolean>`rowid > ${integerOf(behind!)}`))
      .orderBy(sql`rowid`);
    // One at a time: a hundred together, as is the default, would be a gigabyte where threads are of 10 MB.
    for await (const row of query.stream(1)) yield readRow(row) as Row;
  }
}

async function findColumns(
  db: Kysely<LegacyDatabase>,
  label: string,
): Promise<Record<LegacyTableName, ReadonlySet<string>>> {
  const { rows } = await sql<{ encoding: string }>`select encoding from pragma_encoding`.execute(db);
  if (rows[0]?.encoding !== 'UTF-8') {
    throw new ConfigurationError(
      `${label} keeps its texts as ${rows[0]?.encoding}, which that application never did. Copy it by \`sqlite3 old.db .dump | sqlite3 new.db\`.`,
    );
  }
  const [users, threads] = [await columnsOf(db, 'users'), await columnsOf(db, 'context_threads')];
  if (users.size + threads.size === 0) {
    throw new ConfigurationError(`${label} is no legacy database: it has neither context_threads nor users.`);
  }
  for (const [table, found] of [
    ['users', users],
    ['context_threads', threads],
  ] as const) {
    const missing = found.size === 0 ? [] : required[table].filter((name) => !found.has(name));
    if (missing.length === 0) continue;
    throw new ConfigurationError(`${label} is no legacy database: ${table} has no ${missing.join(', ')}.`);
  }
  return { users, context_threads: threads };
}

async function columnsOf(db: Kysely<LegacyDatabase>, table: LegacyTableName): Promise<Set<string>> {
  const { rows } = await sql<{ name: string }>`select name from pragma_table_info(${table})`.execute(db);
  return new Set(rows.map(({ name }) => name));
}

/** As bytes, since a text of SQLite may be no UTF-8, which a driver mends without a word. */
function bytesOf(found: ReadonlySet<string>, name: string): RawBuilder<Uint8Array | null> {
  return found.has(name) ? sql`cast(${sql.ref(name)} as blob)` : sql`null`;
}

/** As text, since a number of SQLite may be larger than what is taken for one here. */
function timeOf(found: ReadonlySet<string>, name: string): RawBuilder<string | null> {
  return found.has(name) ? sql`cast(${sql.ref(name)} as text)` : sql`null`;
}

function typeOf(found: ReadonlySet<string>, name: string): RawBuilder<string> {
  return found.has(name) ? sql`typeof(${sql.ref(name)})` : sql`'null'`;
}

/** A place as SQLite counts: by 64 bits, of which a number of JavaScript holds 53. */
function integerOf(place: string): RawBuilder<number> {
  return sql`cast(${place} as integer)`;
}

function readRow({ legacy_rowid: rowid, ...row }: Record<string, unknown>): Record<string, unknown> {
  const stamps = times.map((name) => {
    const isNumber = ['integer', 'real'].includes(row[`${name}_type`] as string);
    return [name, isNumber ? Number(row[name]) : row[name]] as const;
  });
  return { ...row, rowid, ...Object.fromEntries(stamps) };
}

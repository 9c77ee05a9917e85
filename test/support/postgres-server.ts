/**
 * The Postgres server of a test run: `TEST_POSTGRES_URL` where set, else the server that npm installed.
 * Starts at the first use, once a process; the global teardown stops it. Says nothing on its own: the
 * reporter's last line must stay the last.
 */
import pg from 'pg';
import { startEmbeddedPostgres } from './embedded-postgres.ts';
import { PostgresDatabases } from './postgres-databases.ts';

export interface PostgresServer {
  /** A URL with the right to create databases. */
  readonly adminUrl: string;
  /** Its databases for tests. */
  readonly databases: PostgresDatabases;
  readonly stop: () => Promise<void>;
}

let running: Promise<PostgresServer> | undefined;
let label = 'postgres';

/** Starts the server at the first call; later calls get the same one, or the same error. */
export function getPostgresServer(): Promise<PostgresServer> {
  running ??= openServer();
  return running;
}

export async function stopPostgresServer(): Promise<void> {
  const server = await running?.catch(() => undefined);
  running = undefined;
  try {
    await server?.databases.close();
  } finally {
    await server?.stop();
  }
}

/** The name for the report, such as `postgres 18.4 embedded`: with the version once a test asked for it. */
export function getPostgresLabel(): string {
  return label;
}

async function openServer(): Promise<PostgresServer> {
  const given = process.env['TEST_POSTGRES_URL'];
  const kind = given ? 'TEST_POSTGRES_URL' : 'embedded';
  try {
    const { url, stop } = given
      ? { url: given, stop: () => Promise.resolve() }
      : await startEmbeddedPostgres();
    const { version, hasIcu } = await askServer(url);
    label = `postgres ${version} ${kind}`;
    // A linguistic default order: a query that forgets COLLATE "C" sorts differently here and is found out.
    const locale = hasIcu ? `locale_provider icu icu_locale 'en-US'` : '';
    // Copied as files, twice as fast as by its log: where nothing has to reach the disk.
    const strategy = given ? '' : 'strategy file_copy';
    const createOptions = `template template0 encoding 'UTF8' ${locale} ${strategy}`;
    return { adminUrl: url, databases: new PostgresDatabases(url, createOptions, strategy), stop };
  } catch (cause) {
    throw new Error(
      `The tests need Postgres, but the server (${kind}) does not answer. Point TEST_POSTGRES_URL at a server ` +
        'that may create databases, or switch it off by name with LIMINAL_TEST_SKIP=postgres.',
      { cause },
    );
  }
}

async function askServer(url: string): Promise<{ version: string; hasIcu: boolean }> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    const { rows } = await client.query<{ version: string; hasIcu: boolean }>(
      `select split_part(current_setting('server_version'), ' ', 1) as version,
              exists (select 1 from pg_collation where collprovider = 'i') as "hasIcu"`,
    );
    const [row] = rows;
    if (row === undefined) throw new Error('The server gave no version.');
    return row;
  } finally {
    await client.end();
  }
}

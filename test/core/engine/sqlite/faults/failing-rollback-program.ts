/**
 * A process of its own in which no ROLLBACK succeeds. It ends transactions in each way there is, and says of each, a
 * line of JSON, what the caller was told and what the next one found.
 */
import './faulty-driver.ts';
import { setImmediate } from 'node:timers/promises';
import { CompiledQuery, Kysely, sql } from 'kysely';
import {
  DatabaseProviderFactory,
  type DatabaseProvider,
  type LiminalDataError,
} from '../../../../../src/core/index.ts';
import { PooledSqliteDialect } from '../../../../../src/core/engine/sqlite/index.ts';
import { rejectionOf } from '../../../../support/rejection.ts';
import { failStatement, mendDriver } from './faulty-driver.ts';

type Provider = DatabaseProvider<unknown>;

const mine: Error & { suppressed?: unknown } = new Error('mine');
const url = process.argv[2] ?? '';
const insert = (id: number) => sql`insert into notes (id) values (${id})`;
const text = (id: number) => CompiledQuery.raw(`insert into notes (id) values (${id})`);

/** Each leaves a transaction behind that is to be rolled back; note 0 is there already. */
const endings: Record<string, (provider: Provider) => Promise<unknown>> = {
  'provider.transaction': (provider) =>
    provider.transaction(async (tx) => {
      await insert(1).execute(tx);
      throw mine;
    }),
  'db.transaction()': (provider) =>
    provider.db.transaction().execute(async (tx) => {
      await insert(1).execute(tx);
      throw mine;
    }),
  'a swallowed failure': (provider) =>
    provider.transaction(async (tx) => {
      await insert(1).execute(tx);
      await rejectionOf(insert(0).execute(tx));
    }),
  'by hand': async (provider) => {
    const tx = await provider.db.startTransaction().execute();
    await insert(1).execute(tx);
    await tx.rollback().execute();
    throw mine;
  },
  'a connection that is kept': (provider) =>
    provider.db.connection().execute(async (db) => {
      await rejectionOf(
        db.transaction().execute(async (tx) => {
          await insert(1).execute(tx);
          throw mine;
        }),
      );
      await insert(2).execute(db);
    }),
  'a raw BEGIN': (provider) =>
    provider.db.connection().execute(async (db) => {
      await sql`begin`.execute(db);
      await insert(1).execute(db);
      throw mine;
    }),
  'a batch': (provider) => provider.direct!.batch([text(1), text(0)]),
  'a batch with a change of the schema': (provider) =>
    provider.direct!.batch([text(1), CompiledQuery.raw('create table more (id)'), text(0)]),
};

/** In memory there is one connection, and no snapshot to share. */
if (!url.includes(':memory:')) {
  endings['reads that share a snapshot'] = async (provider) => {
    const read = () => provider.query('select id from notes');
    await read();
    await Promise.all(Array.from({ length: 10 }, read));
    await setImmediate();
    throw mine;
  };
}

async function openProvider(logged: string[]): Promise<Provider> {
  const logger = {
    debug() {},
    info() {},
    warn() {},
    error: (_fields: object, message: string) => void logged.push(message),
  };
  const provider = DatabaseProviderFactory.createProvider<unknown>(url, { logger });
  await provider.exec('create table if not exists notes (id integer primary key)');
  await provider.exec('delete from notes');
  await provider.exec('insert into notes values (0)');
  return provider;
}

function nameOf(error: unknown): string {
  const { name, retryable } = error as LiminalDataError;
  return `${name} ${retryable}`;
}

for (const [ending, end] of Object.entries(endings)) {
  const logged: string[] = [];
  await using provider = await openProvider(logged);
  failStatement('rollback', 'SQLITE_IOERR');
  const told = (await rejectionOf(end(provider))) as typeof mine;
  mendDriver();
  const { suppressed } = told;
  delete mine.suppressed;
  const found = await provider
    .query<{ id: number }>('select id from notes')
    .then((rows) => rows.map(({ id }) => id))
    .catch(nameOf);
  const written = await provider.exec('insert into notes values (9)').catch(nameOf);
  const { busy, retired } = provider.stats();
  console.log(
    JSON.stringify({
      ending,
      told: told === mine ? 'mine' : told.name,
      ...(suppressed === undefined ? {} : { suppressed: nameOf(suppressed) }),
      found,
      written,
      busy,
      retired,
      logged: logged.length,
    }),
  );
}

/** The same on the dialect alone. */
async function tellOfDialect(filename: string): Promise<void> {
  const dialect = new PooledSqliteDialect({ filename });
  const db = new Kysely<unknown>({ dialect });
  failStatement('rollback', 'SQLITE_IOERR');
  const told = await rejectionOf(
    db.transaction().execute(async (tx) => {
      await insert(1).execute(tx);
      throw mine;
    }),
  );
  mendDriver();
  const { rows } = await sql<{ id: number }>`select id from notes where id = 1`.execute(db);
  await insert(1).execute(db);
  console.log(JSON.stringify({ told: told === mine, found: rows, retired: dialect.stats().retired }));
  await db.destroy();
}

if (!url.includes(':memory:')) await tellOfDialect(url.slice('sqlite:'.length));

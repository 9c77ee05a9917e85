/**
 * A fresh process that imports what it needs, opens a database, reads one row and says how long that took.
 * No file of the benchmark is imported while the time runs, for Node would strip its types first.
 */
import type { Dialect } from 'kysely';
import type { ChatDatabase } from '../../src/chat/chat-database.ts';
import type { DatabaseProvider } from '../../src/core/index.ts';
import type { ContenderOptions, MessageRow } from '../contender.ts';
import { loadCore } from '../library.ts';
import type { ColdStartJob } from './measure-cold-start.ts';

type FirstRow = (options: ContenderOptions, id: string) => Promise<MessageRow | undefined>;

const programs: Readonly<Record<ColdStartJob['contender'], FirstRow>> = {
  async raw(options, id) {
    if (options.engine === 'sqlite') {
      const { default: Database } = await import('better-sqlite3');
      const database = new Database(options.filename);
      return database.prepare<[string], MessageRow>('select * from messages where id = ?').get(id);
    }
    const { default: pg } = await import('pg');
    const pool = new pg.Pool({ connectionString: options.url });
    const { rows } = await pool.query<MessageRow>('select * from messages where id = $1', [id]);
    return rows[0];
  },
  async kysely(options, id) {
    const { Kysely } = await import('kysely');
    const db = new Kysely<ChatDatabase>({ dialect: await openOwnDialect(options) });
    return db.selectFrom('messages').selectAll().where('id', '=', id).executeTakeFirst();
  },
  async 'liminal-kysely'(options, id) {
    const { db } = await openProvider(options);
    return db.selectFrom('messages').selectAll().where('id', '=', id).executeTakeFirst();
  },
  async 'liminal-prepared'(options, id) {
    const provider = await openProvider(options);
    const { prepare } = await loadCore();
    return prepare(provider, (db, param) =>
      db.selectFrom('messages').selectAll().where('id', '=', param('id')),
    ).first({ id });
  },
};

async function openOwnDialect(options: ContenderOptions): Promise<Dialect> {
  const { SqliteDialect, PostgresDialect } = await import('kysely');
  if (options.engine === 'sqlite') {
    const { default: Database } = await import('better-sqlite3');
    return new SqliteDialect({ database: new Database(options.filename) });
  }
  const { default: pg } = await import('pg');
  return new PostgresDialect({ pool: new pg.Pool({ connectionString: options.url }) });
}

async function openProvider(options: ContenderOptions): Promise<DatabaseProvider<ChatDatabase>> {
  const { DatabaseProviderFactory } = await loadCore();
  return DatabaseProviderFactory.createProvider(
    options.engine === 'sqlite' ? `sqlite:${options.filename}` : options.url,
  );
}

const { contender, options, id } = JSON.parse(process.argv[2]!) as ColdStartJob;
const start = performance.now();
const row = await programs[contender](options, id);
const time = performance.now() - start;
if (row?.id !== id) throw new Error(`${contender} did not read the row.`);
process.send!(time);
process.exit();

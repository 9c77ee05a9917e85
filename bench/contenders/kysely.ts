import { Kysely, PostgresDialect, SqliteDialect } from 'kysely';
import type { ChatDatabase } from '../../src/chat/chat-database.ts';
import type { Contender, ContenderOptions } from '../contender.ts';
import { callKysely } from './kysely-calls.ts';
import { openPool } from './postgres-pool.ts';
import { openFile } from './sqlite-file.ts';

/** Kysely on its own dialects. */
export async function open(options: ContenderOptions): Promise<Contender> {
  const dialect =
    options.engine === 'sqlite'
      ? new SqliteDialect({ database: openFile(options) })
      : new PostgresDialect({ pool: openPool(options) });
  const db = new Kysely<ChatDatabase>({ dialect });
  return callKysely(db, () => db.destroy());
}

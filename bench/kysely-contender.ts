import { Kysely, SqliteDialect } from 'kysely';
import { openNotes } from './raw-contender.ts';
import type { Contender, Tables } from './workload.ts';

/** Kysely's own dialect. */
export async function kyselyContender(filename: string): Promise<Contender> {
  return contenderOf(new Kysely<Tables>({ dialect: new SqliteDialect({ database: openNotes(filename) }) }));
}

/** The work in Kysely's words, on any dialect. */
export function contenderOf(db: Kysely<Tables>, close = () => db.destroy()): Contender {
  return {
    byKey: (id) => db.selectFrom('notes').selectAll().where('id', '=', id).executeTakeFirst(),
    page: (after) =>
      db
        .selectFrom('notes')
        .selectAll()
        .where('made_at', '>', after)
        .orderBy('made_at')
        .orderBy('id')
        .limit(20)
        .execute(),
    insert: async (note) => void (await db.insertInto('notes').values(note).execute()),
    change: (id) =>
      db.transaction().execute(async (tx) => {
        const note = await tx.selectFrom('notes').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
        const { title, version } = note;
        await tx
          .updateTable('notes')
          .set({ title, version: version + 1 })
          .where('id', '=', id)
          .where('version', '=', version)
          .execute();
      }),
    close,
  };
}

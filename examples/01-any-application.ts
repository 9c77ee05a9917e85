/**
 * Any application: a configuration, a migration with its way back, a repository and a transaction.
 * `DATABASE_URL=postgres://… node examples/01-any-application.ts` does the same on PostgreSQL.
 */
import { DatabaseProviderFactory, Repository, StaleEntityError, databaseConfigFromEnv } from 'liminal-data';
import { newId, type Brand } from 'liminal-data/domain';
import { Migrator, defineMigrationSet } from 'liminal-data/migrate';

type NoteId = Brand<string, 'NoteId'>;

/** The table, as rows come from either engine. */
interface NotesTable {
  id: string;
  title: string;
  made_at: number;
  version: number;
}

interface Note {
  readonly id: NoteId;
  readonly title: string;
  readonly madeAt: number;
  readonly version: number;
}

const history = defineMigrationSet({
  name: 'notes',
  migrations: [
    {
      name: '0001-notes',
      async up(db, t) {
        const notes = t.table('notes');
        await db.schema
          .createTable('notes')
          .addColumn('id', notes.uuid('id'), (column) => column.notNull().primaryKey())
          .addColumn('title', notes.text('title'), (column) => column.notNull())
          .addColumn('made_at', notes.epochMillis('made_at'), (column) => column.notNull())
          .addColumn('version', notes.counter('version', 1), (column) => column.notNull())
          .modifyEnd(notes.end)
          .execute();
        await db.schema.createIndex('notes_made_at_index').on('notes').columns(['made_at', 'id']).execute();
      },
      async down(db) {
        await db.schema.dropTable('notes').execute();
      },
    },
  ],
});

const provider = DatabaseProviderFactory.createProvider<{ notes: NotesTable }>(databaseConfigFromEnv());
await new Migrator(provider, history).latest();

const notes = new Repository<{ notes: NotesTable }, 'notes', Note>(provider, {
  table: 'notes',
  key: 'id',
  version: 'version',
  insertOnly: ['made_at'],
  columns: { id: 'uuid', title: 'text', made_at: 'integer', version: 'integer' },
  mapper: {
    fromRow: (row) => ({ id: row.id as NoteId, title: row.title, madeAt: row.made_at, version: row.version }),
    toRow: (note) => ({ id: note.id, title: note.title, made_at: note.madeAt, version: note.version }),
  },
});

const note: Note = { id: newId<NoteId>(), title: 'Buy milk', madeAt: Date.now(), version: 1 };
await provider.transaction(async (tx) => {
  await notes.insert(note, { on: tx });
  await notes.update({ ...note, title: 'Buy oat milk' }, { on: tx });
});

const refused = await notes.update({ ...note, title: 'Buy soy milk' }).catch((error: unknown) => error);
if (refused instanceof StaleEntityError) {
  console.log(`refused: read at ${refused.expectedVersion}, is at ${refused.actualVersion}`);
}

const page = await notes.page({ title: { like: '%milk' } }, { orderBy: 'made_at desc', limit: 10 });
console.log(page.items.map(({ title, version }) => `${title} (version ${version})`));

await notes.delete(await notes.getById(note.id));
await provider.close();

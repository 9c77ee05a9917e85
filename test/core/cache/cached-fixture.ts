/** What the tests of the cache share: people, and their notes, which go with them. */
import {
  cached,
  createCache,
  type CachedOptions,
  type CacheOptions,
  type InvalidationBus,
  type RepositoryCache,
} from '../../../src/core/cache/index.ts';
import {
  DatabaseProviderFactory,
  Repository,
  UnitOfWork,
  type DatabaseConfigInput,
  type DatabaseProvider,
  type ProviderOptions,
  type RepositoryProvider,
} from '../../../src/core/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';

interface PeopleTable {
  id: string;
  /** Unique. */
  email: string;
  name: string;
  version: number;
}

interface NotesTable {
  id: string;
  /** Never changes. */
  person_id: string;
  place: number;
  text: string;
}

export interface CachedTables {
  people: PeopleTable;
  notes: NotesTable;
}

export type Person = Readonly<PeopleTable>;
export type Note = Readonly<NotesTable>;
export type People = Repository<CachedTables, 'people', Person>;
export type Notes = Repository<CachedTables, 'notes', Note>;

/** Its mappers do not freeze: the cache does. */
export function peopleOf(provider: RepositoryProvider<CachedTables>): People {
  return new Repository<CachedTables, 'people', Person>(provider, {
    table: 'people',
    key: 'id',
    version: 'version',
    unique: [['email']],
    columns: { id: 'uuid', email: 'text', name: 'text', version: 'integer' },
    mapper: personMapper,
  });
}

const personMapper = { fromRow: (row: Person): Person => ({ ...row }), toRow: (person: Person) => person };
const noteMapper = { fromRow: (row: Note): Note => ({ ...row }), toRow: (note: Note) => note };

function notesOf(provider: RepositoryProvider<CachedTables>): Notes {
  return new Repository<CachedTables, 'notes', Note>(provider, {
    table: 'notes',
    key: 'id',
    insertOnly: ['person_id'],
    unique: [['person_id', 'place']],
    columns: { id: 'uuid', person_id: 'uuid', place: 'integer', text: 'text' },
    mapper: noteMapper,
  });
}

export interface CachedDatabase {
  readonly provider: DatabaseProvider<CachedTables>;
  readonly cache: RepositoryCache;
  /** Of the ages of answers. */
  readonly clock: FakeClock;
  readonly people: People;
  readonly notes: Notes;
  /** The same without a cache. */
  readonly plainPeople: People;
  readonly plainNotes: Notes;
  readonly unitOfWork: UnitOfWork<CachedTables, { readonly people: People; readonly notes: Notes }>;
  /** How many statements were sent since it was last asked. */
  readonly sent: () => number;
  close(): Promise<void>;
}

type Terms = Partial<Omit<CachedOptions, 'cache'>>;

/** @param config of a database that has the tables, where `isNew` is false */
export async function openCached(
  config: DatabaseConfigInput,
  {
    cache: cacheOptions = {},
    terms = {},
    notes: noteTerms = { groups: ['person_id'] },
    provider: providerOptions = {},
    bus: busOf,
    isNew = true,
  }: {
    readonly cache?: CacheOptions;
    readonly terms?: Terms;
    readonly notes?: Terms;
    readonly provider?: ProviderOptions<CachedTables>;
    readonly bus?: (provider: DatabaseProvider<CachedTables>) => InvalidationBus;
    readonly isNew?: boolean;
  } = {},
): Promise<CachedDatabase> {
  let statements = 0;
  const provider = DatabaseProviderFactory.createProvider<CachedTables>(config, {
    ...providerOptions,
    onStatement: () => {
      statements += 1;
    },
  });
  if (isNew) await createTables(provider);
  const clock = new FakeClock();
  const cache = createCache(provider, { clock, ...(busOf && { bus: busOf(provider) }), ...cacheOptions });
  await cache.ready();
  const personOptions = { cache, jitter: 0, ...terms };
  const noteOptions = { cache, jitter: 0, ...terms, ...noteTerms };
  return {
    provider,
    cache,
    clock,
    people: cached(peopleOf(provider), personOptions as never),
    notes: cached(notesOf(provider), noteOptions as never),
    plainPeople: peopleOf(provider),
    plainNotes: notesOf(provider),
    unitOfWork: new UnitOfWork(provider, {
      repositories: {
        people: (unit) => cached(peopleOf(unit), personOptions as never),
        notes: (unit) => cached(notesOf(unit), noteOptions as never),
      },
    }),
    sent() {
      const sent = statements;
      statements = 0;
      return sent;
    },
    async close() {
      await cache.close();
      await provider.close();
    },
  };
}

async function createTables({ db, migrations }: DatabaseProvider<CachedTables>): Promise<void> {
  const people = migrations.columns.table('people');
  await db.schema
    .createTable('people')
    .addColumn('id', people.uuid('id'), (column) => column.primaryKey().notNull())
    .addColumn('email', people.text('email'), (column) => column.notNull().unique())
    .addColumn('name', people.text('name'), (column) => column.notNull())
    .addColumn('version', people.counter('version', 1), (column) => column.notNull())
    .modifyEnd(people.end)
    .execute();
  const notes = migrations.columns.table('notes');
  await db.schema
    .createTable('notes')
    .addColumn('id', notes.uuid('id'), (column) => column.primaryKey().notNull())
    .addColumn('person_id', notes.uuid('person_id'), (column) =>
      column.notNull().references('people.id').onDelete('cascade'),
    )
    .addColumn('place', notes.integer('place'), (column) => column.notNull())
    .addColumn('text', notes.text('text'), (column) => column.notNull())
    .addUniqueConstraint('notes_place', ['person_id', 'place'])
    .modifyEnd(notes.end)
    .execute();
}

let made = 0;

export function makePerson(fields: Partial<Person> = {}): Person {
  made += 1;
  return {
    id: crypto.randomUUID(),
    email: `p${made}@example.org`,
    name: `person ${made}`,
    version: 1,
    ...fields,
  };
}

export function makeNote(person: Pick<Person, 'id'>, place: number, text = `note ${place}`): Note {
  return { id: crypto.randomUUID(), person_id: person.id, place, text };
}

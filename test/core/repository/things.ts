/** A table with a column of every kind, and what random rows of it look like. */
import fc from 'fast-check';
import type { Kysely } from 'kysely';
import {
  DatabaseProviderFactory,
  type ProviderOptions,
} from '../../../src/core/provider/database-provider-factory.ts';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import { Repository } from '../../../src/core/repository/repository.ts';
import type { RepositoryProvider } from '../../../src/core/repository/repository-provider.ts';
import type { TestDatabase } from '../../support/database.ts';

export interface ThingsTable {
  id: string;
  name: string;
  label: string | null;
  owner: string | null;
  score: number;
  rank: number | null;
  weight: number | null;
  data: string | null;
  bytes: Uint8Array | null;
  version: number;
  created_at: number;
}

export interface Tables {
  things: ThingsTable;
}

/** Rows are their own entities here, so that tests see what is stored. */
export type Thing = Readonly<ThingsTable>;

export type ThingRepository = Repository<Tables, 'things', Thing, { data: unknown }>;

export const thingColumns = {
  id: 'uuid',
  name: 'text',
  label: 'text?',
  owner: 'uuid?',
  score: 'integer',
  rank: 'integer?',
  weight: 'real?',
  data: 'json?',
  bytes: 'blob?',
  version: 'integer',
  created_at: 'integer',
} as const;

export function createThingRepository(provider: RepositoryProvider<Tables>): ThingRepository {
  return new Repository<Tables, 'things', Thing, { data: unknown }>(provider, {
    table: 'things',
    key: 'id',
    version: 'version',
    insertOnly: ['created_at'],
    columns: thingColumns,
    mapper: { fromRow: (row) => Object.freeze({ ...row }), toRow: (thing) => thing },
  });
}

/** A new database with the table in it. */
export async function openThings(
  database: TestDatabase,
  options: ProviderOptions<Tables> = {},
): Promise<DatabaseProvider<Tables>> {
  const provider = DatabaseProviderFactory.createProvider<Tables>(await database.freshUrl(), options);
  const t = provider.migrations.columns.table('things');
  await provider.db.schema
    .createTable('things')
    .addColumn('id', t.uuid('id'), (column) => column.primaryKey().notNull())
    .addColumn('name', t.text('name'), (column) => column.notNull())
    .addColumn('label', t.text('label'))
    .addColumn('owner', t.uuid('owner'))
    .addColumn('score', t.integer('score'), (column) => column.notNull())
    .addColumn('rank', t.integer('rank'))
    .addColumn('weight', t.real('weight'))
    .addColumn('data', t.json('data'))
    .addColumn('bytes', t.blob('bytes'))
    .addColumn('version', t.counter('version', 1), (column) => column.notNull())
    .addColumn('created_at', t.epochMillis('created_at'), (column) => column.notNull())
    .modifyEnd(t.end)
    .execute();
  return provider;
}

export async function clearThings(db: Kysely<Tables>): Promise<void> {
  await db.deleteFrom('things').execute();
}

/** A thing with given fields and plain others. */
export function makeThing(fields: Partial<Thing> = {}): Thing {
  const id = crypto.randomUUID();
  return {
    id,
    name: 'thing',
    label: null,
    owner: null,
    score: 0,
    rank: null,
    weight: null,
    data: null,
    bytes: null,
    version: 1,
    created_at: 1_700_000_000_000,
    ...fields,
  };
}

// What is special to LIKE, GLOB, JSON paths, quoting, collations and code points.
const fragments = [
  ['', 'a', 'A', 'b', 'ab', 'Z', 'z', '1', '-', ' ', '\t', '\n', "'", '"', '`', '?', '$1'],
  [
    '%',
    '_',
    '\\',
    '*',
    '[',
    ']',
    '^',
    '[a]',
    '{}',
    'é',
    'e\u0301',
    'ß',
    'İ',
    'ǅ',
    '中',
    '\uffff',
    '😀',
    '👩‍👧',
  ],
].flat();

export const texts = fc.array(fc.constantFrom(...fragments), { maxLength: 4 }).map((parts) => parts.join(''));

/** Few values, so that rows have equal ones and filters hit. */
export const integers = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 31, -(2 ** 31) - 1),
);

export const reals = fc.oneof(
  fc.constantFrom(0, -0.5, 0.1, 1 / 3, 1e300, 5e-324, -1e-7, 2 ** 53, 2 ** 62 + 1024, 123456789.12345678),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
);

const idPool = Array.from({ length: 8 }, (_, index) => `0000000${index}-aaaa-4bbb-8ccc-dddddddddd0${index}`);
export const owners = fc.constantFrom(...idPool);

export const memberNames = fc.constantFrom(
  'a',
  'b',
  '',
  '0',
  'a.b',
  'k"ey',
  "o'k",
  'ba\\ck',
  '$',
  'é',
  '[0]',
  '__proto__',
);

export const scalars: fc.Arbitrary<string | number | boolean | null> = fc.oneof(
  texts,
  integers,
  reals,
  fc.boolean(),
  fc.constant(null),
);

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

export const jsonValues: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalars,
    fc.array(tie('value'), { maxLength: 3 }),
    fc
      .array(fc.tuple(memberNames, tie('value')), { maxLength: 3 })
      // Through JSON, so that a member called __proto__ is a member.
      .map((entries) => Object.fromEntries(entries)),
  ),
})).value;

function orNull<Value>(values: fc.Arbitrary<Value>): fc.Arbitrary<Value | null> {
  return fc.option(values, { nil: null, freq: 3 });
}

const things: fc.Arbitrary<Thing> = fc.record({
  id: fc.uuid().map((id) => id.toLowerCase()),
  name: texts,
  label: orNull(texts),
  owner: orNull(owners),
  score: integers,
  rank: orNull(integers),
  weight: orNull(reals),
  data: orNull(jsonValues.map((value) => JSON.stringify(value))),
  bytes: orNull(fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes))),
  version: fc.integer({ min: 1, max: 3 }),
  created_at: integers,
});

export const thingLists: fc.Arbitrary<Thing[]> = fc.uniqueArray(things, {
  maxLength: 14,
  selector: (thing) => thing.id,
});

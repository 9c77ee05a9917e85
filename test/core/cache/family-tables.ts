/** Tables that hang together in the ways in which a write changes more than its text says, and what stands in them. */
import { sql } from 'kysely';
import {
  DatabaseProviderFactory,
  type DatabaseProvider,
  type ProviderOptions,
} from '../../../src/core/index.ts';
import type { CachedTables } from '../../../src/core/cache/tags-of.ts';
import { allListsTag, groupTag, listTag, rowTag, tableTag } from '../../../src/core/cache/tags.ts';
import type { TestDatabase } from '../../support/database.ts';

export interface FamilyTables {
  people: { id: number; name: string };
  rooms: { id: number; owner: number; title: string };
  notes: { id: number; room: number; text: string; answer_to: number | null };
  seats: { row: number; place: number; taken_by: number | null };
}

export type FamilyProvider = DatabaseProvider<FamilyTables>;
export type TableName = keyof FamilyTables;

const tableNames = ['people', 'rooms', 'notes', 'seats'] as const;

/** How their rows are told apart. */
export const familyTables = new Map([
  ['people', { keys: [['id']], groups: [] }],
  ['rooms', { keys: [['id']], groups: ['owner'] }],
  ['notes', { keys: [['id']], groups: ['room'] }],
  ['seats', { keys: [['row', 'place']], groups: [] }],
]) satisfies CachedTables;

/** A new database with the tables, empty. */
export async function openFamily(
  database: TestDatabase,
  options: ProviderOptions<FamilyTables> = {},
): Promise<FamilyProvider> {
  const provider = DatabaseProviderFactory.createProvider<FamilyTables>(await database.freshUrl(), options);
  for (const table of [
    'people (id integer primary key, name text not null unique)',
    'rooms (id integer primary key, owner integer not null references people on delete cascade, title text)',
    `notes (id integer primary key, room integer not null references rooms on delete cascade on update cascade,
      text text not null check (text <> 'refused'), answer_to integer references notes on delete set null)`,
    `seats ("row" integer, place integer, taken_by integer references people (id) on update cascade on delete set null,
      primary key ("row", place))`,
  ])
    await sql.raw(`create table ${table}`).execute(provider.db);
  return provider;
}

/** Puts rows in where there are none. */
export async function fillFamily({ db }: FamilyProvider): Promise<void> {
  const ids = [1, 2, 3, 4];
  const people = ids.map((id) => ({ id, name: `person ${id}` }));
  await db
    .insertInto('people')
    .values(people)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await sql`insert into rooms (id, owner, title) select id, id, 'room' from people where true on conflict do nothing`.execute(
    db,
  );
  await sql`insert into notes (id, room, text) select id, id, 'note' from rooms where true on conflict do nothing`.execute(
    db,
  );
}

type Row = Readonly<Record<string, unknown>>;

/** Every row of every table, by table and key. */
export type Picture = ReadonlyMap<string, { readonly table: TableName; readonly row: Row }>;

/** What is committed at this moment. */
export async function pictureOf(provider: FamilyProvider): Promise<Picture> {
  const picture = new Map<string, { table: TableName; row: Row }>();
  for (const table of tableNames) {
    const rows: readonly Row[] = await provider.db.selectFrom(table).selectAll().execute();
    for (const row of rows) picture.set(`${table} ${JSON.stringify(keyOf(table, row))}`, { table, row });
  }
  return picture;
}

function keyOf(table: TableName, row: Row): readonly unknown[] {
  return familyTables.get(table)!.keys[0]!.map((column) => row[column]);
}

/** A change of a row that answers may depend on: how it was, and how it is. */
export interface RowChange {
  readonly table: TableName;
  readonly key: readonly unknown[];
  readonly rows: readonly Row[];
}

/** What differs between two pictures. */
export function changesBetween(before: Picture, after: Picture): readonly RowChange[] {
  const changes: RowChange[] = [];
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const [old, now] = [before.get(name), after.get(name)];
    if (JSON.stringify(old?.row) === JSON.stringify(now?.row)) continue;
    const { table, row } = (now ?? old)!;
    const rows = [old, now].flatMap((each) => (each === undefined ? [] : [each.row]));
    changes.push({ table, key: keyOf(table, row), rows });
  }
  return changes;
}

/** The answers that a change makes old, each by the tags of which one has to be moved; none where all are covered. */
export function missingTags({ table, key, rows }: RowChange, moved: ReadonlySet<string>): readonly string[] {
  const has = (...tags: readonly (string | undefined)[]) =>
    [tableTag(table), ...tags].some((tag) => tag !== undefined && moved.has(tag));
  const missing: string[] = [];
  const row = rowTag(table, familyTables.get(table)!.keys[0]!, key);
  if (!has(row)) missing.push(row!);
  if (!has(allListsTag(table), listTag(table))) missing.push(listTag(table));
  for (const column of familyTables.get(table)!.groups) {
    for (const each of rows) {
      const group = groupTag(table, column, each[column]);
      if (!has(allListsTag(table), group)) missing.push(group!);
    }
  }
  return missing;
}

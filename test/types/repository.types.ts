/** What repositories must refuse when they are compiled. Each line below a directive must be an error. */
import type { Generated } from 'kysely';
import type { Brand } from '../../src/core/domain/brand.ts';
import type { DatabaseProvider } from '../../src/core/provider/database-provider.ts';
import { Repository, type RowMapper } from '../../src/core/index.ts';

type UserId = Brand<string, 'UserId'>;
type ThreadId = Brand<string, 'ThreadId'>;

interface UsersTable {
  id: string;
  email: string;
  display_name: string | null;
  role: 'admin' | 'member';
  settings: string;
  notes: string | null;
  picture: Uint8Array | null;
  version: number;
  created_at: number;
}

interface PreferencesTable {
  user_id: string;
  name: string;
  number: Generated<number>;
}

interface Tables {
  users: UsersTable;
  preferences: PreferencesTable;
}

interface User {
  readonly id: UserId;
  readonly email: string;
}

interface Settings {
  readonly theme: 'dark' | 'light';
  readonly usage?: { readonly totalTokens: number; readonly perDay: readonly number[] } | null;
  readonly tags: readonly string[];
  readonly beta: boolean;
  readonly extra: Record<string, unknown>;
}

declare const provider: DatabaseProvider<Tables>;
declare const mapper: RowMapper<UsersTable, User>;
declare const userId: UserId;
declare const threadId: ThreadId;
declare const user: User;
declare const text: string;

const columns = {
  id: 'uuid',
  email: 'text',
  display_name: 'text?',
  role: 'text',
  settings: 'json',
  notes: 'json?',
  picture: 'blob?',
  version: 'integer',
  created_at: 'integer',
} as const;

type Shapes = { settings: Settings; notes: unknown };
type Users = Repository<Tables, 'users', User, Shapes>;

export const users: Users = new Repository<Tables, 'users', User, Shapes>(provider, {
  table: 'users',
  key: 'id',
  version: 'version',
  insertOnly: ['created_at'],
  columns,
  mapper,
});

// --- The definition -------------------------------------------------------------------------------------

function define(
  options: Partial<ConstructorParameters<typeof Repository<Tables, 'users', User, Shapes>>[1]>,
): void {
  void options;
}

define({ table: 'users', key: ['id'], version: 'created_at', insertOnly: ['email'], columns, mapper });
// @ts-expect-error another table than the type says
define({ table: 'preferences' });
// @ts-expect-error no such column
define({ key: 'uid' });
// @ts-expect-error a version is a number
define({ version: 'email' });
// @ts-expect-error no such column
define({ insertOnly: ['createdAt'] });
// @ts-expect-error a column is missing
define({ columns: { id: 'uuid', email: 'text' } });
// @ts-expect-error one column too many
define({ columns: { ...columns, colour: 'text' } });
// @ts-expect-error a nullable column ends in "?"
define({ columns: { ...columns, display_name: 'text' } });
// @ts-expect-error a column that is never NULL does not
define({ columns: { ...columns, email: 'text?' } });
// @ts-expect-error a number is no text
define({ columns: { ...columns, version: 'text' } });
// @ts-expect-error what has a JSON shape is JSON
define({ columns: { ...columns, settings: 'text' } });
// @ts-expect-error there is no such kind
define({ columns: { ...columns, created_at: 'date' } });
// @ts-expect-error the mapper is another table's
define({ mapper: {} as RowMapper<PreferencesTable, User> });

// --- Keys -----------------------------------------------------------------------------------------------

void users.findById(userId);
// @ts-expect-error the id of another entity
void users.findById(threadId);
// @ts-expect-error a text that nobody checked
void users.findById(text);
// @ts-expect-error not the key alone
void users.getById({ id: userId });

type Preference = { readonly userId: UserId };
declare const preferences: Repository<Tables, 'preferences', Preference, unknown, 'user_id' | 'name'>;
void preferences.findById({ user_id: userId, name: 'theme' });
// @ts-expect-error a part of the key is missing
void preferences.findById({ user_id: userId });
// @ts-expect-error a key of several columns is an object
void preferences.findById('theme');

// --- Filters --------------------------------------------------------------------------------------------

void users.findMany({
  email: 'a',
  display_name: null,
  role: { in: ['admin'] },
  created_at: { gte: 1, lt: 9 },
});
void users.findMany({ or: [{ email: { like: 'a%' } }, { not: { picture: new Uint8Array(1) } }] });
// @ts-expect-error every row must be asked for as {}
void users.findMany();
// @ts-expect-error no such column
void users.findMany({ mail: 'a' });
// @ts-expect-error the entity's name for a column is not the column's
void users.findMany({ displayName: 'a' });
// @ts-expect-error a text is no number
void users.findMany({ created_at: '1' });
// @ts-expect-error none of the role's values
void users.findMany({ role: 'owner' });
// @ts-expect-error none of the role's values, in a list
void users.findMany({ role: { in: ['admin', 'owner'] } });
// @ts-expect-error undefined would widen the question
void users.findMany({ email: undefined });
// @ts-expect-error a column that is never NULL is not null
void users.findMany({ email: null });
// @ts-expect-error no such operator
void users.findMany({ email: { startsWith: 'a' } });
// @ts-expect-error numbers have no patterns
void users.findMany({ created_at: { like: '1%' } });
// @ts-expect-error bytes have no order
void users.findMany({ picture: { gt: new Uint8Array(1) } });
// @ts-expect-error NULL has no order
void users.findMany({ display_name: { gt: null } });
// @ts-expect-error `or` takes a list
void users.findMany({ or: { email: 'a' } });
// @ts-expect-error no such column, further inside
void users.findMany({ and: [{ not: { mail: 'a' } }] });

// --- JSON paths -----------------------------------------------------------------------------------------

void users.findMany({ settings: { path: ['usage', 'totalTokens'], gt: 100 } });
void users.findMany({
  settings: [
    { path: ['theme'], eq: 'dark' },
    { path: ['tags', 0], contains: 'a' },
  ],
});
void users.findMany({ settings: { path: ['usage'], isNull: true } });
void users.findMany({ settings: { path: ['extra', 'anything', 0], eq: 1 } });
void users.findMany({ notes: { path: ['what', 'ever'], in: ['a'] } });
void users.findMany({ notes: null });
// @ts-expect-error no such member
void users.findMany({ settings: { path: ['colour'], eq: 'red' } });
// @ts-expect-error the member is a number
void users.findMany({ settings: { path: ['usage', 'totalTokens'], gt: '100' } });
// @ts-expect-error none of the theme's values
void users.findMany({ settings: { path: ['theme'], eq: 'blue' } });
// @ts-expect-error elements are found by index
void users.findMany({ settings: { path: ['tags', 'first'], eq: 'a' } });
// @ts-expect-error booleans have no order
void users.findMany({ settings: { path: ['beta'], gt: false } });
// @ts-expect-error an object equals nothing
void users.findMany({ settings: { path: ['usage'], eq: 1 } });
// @ts-expect-error JSON is not compared as a whole
void users.findMany({ settings: '{}' });
// @ts-expect-error a path is needed
void users.findMany({ settings: { eq: 1 } });

// --- Options --------------------------------------------------------------------------------------------

void users.findMany({}, { orderBy: 'created_at desc', limit: 5 });
void users.page({}, { orderBy: ['display_name', 'email desc'], after: undefined });
// @ts-expect-error no such column
void users.findMany({}, { orderBy: 'createdAt' });
// @ts-expect-error no such direction
void users.findMany({}, { orderBy: 'created_at descending' });
// @ts-expect-error JSON has no order
void users.findMany({}, { orderBy: 'settings' });
// @ts-expect-error a limit is a number
void users.findMany({}, { limit: '5' });
// @ts-expect-error pages have no selection
void users.page({}, { select: ['id'] });
// @ts-expect-error no such option
void users.findMany({}, { offset: 5 });

// --- Selections -----------------------------------------------------------------------------------------

export async function readSelection(): Promise<void> {
  const [row] = await users.findMany({}, { select: ['id', 'display_name'] });
  const name: string | null | undefined = row?.display_name;
  void name;
  // @ts-expect-error a column that was not selected
  void row?.email;
  // @ts-expect-error no such column
  void users.findMany({}, { select: ['id', 'name'] });
  // @ts-expect-error rows of a selection are not entities
  const entities: User[] = await users.findMany({}, { select: ['id', 'email'] });
  void entities;
  const found: User | undefined = await users.findFirst({});
  void found;
}

// --- Writes ---------------------------------------------------------------------------------------------

void users.upsert(user, { conflict: ['email'] });
// @ts-expect-error not an entity of this repository
void users.insert({ id: threadId, email: 'a' });
// @ts-expect-error no such column
void users.upsert(user, { conflict: ['mail'] });
// @ts-expect-error not a database of these tables
void users.insert(user, { on: {} as DatabaseProvider<{ things: UsersTable }>['db'] });

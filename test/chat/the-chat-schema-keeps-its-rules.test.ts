import { expect } from 'chai';
import { sql } from 'kysely';
import type { ChatDatabase } from '../../src/chat/chat-database.ts';
import {
  CheckViolationError,
  ForeignKeyViolationError,
  NotNullViolationError,
  QueryError,
  UniqueViolationError,
  type DatabaseProvider,
  type LiminalDataError,
} from '../../src/core/index.ts';
import { createUuidSource } from '../../src/core/domain/index.ts';
import { searchTokens, tokenColumn } from '../../src/chat/conversation/search-tokens.ts';
import { describeOnEachDatabase } from '../support/database.ts';
import {
  insertAll,
  insertRow,
  insertSearchRow,
  makeRows,
  openMigrated,
  tableNames,
  type TableName,
} from './rows.ts';

const id = createUuidSource();

/** What each table must refuse although the domain is not asked. */
const refused: readonly (readonly [table: TableName, column: string, value: unknown])[] = [
  ['users', 'version', 0],
  ['users', 'id', 'no-uuid'],
  ['oauth_identities', 'provider', ''],
  ['oauth_identities', 'provider', 'Google'],
  ['oauth_identities', 'provider', 'go gle'],
  ['oauth_identities', 'provider', 'g'.repeat(65)],
  ['oauth_identities', 'version', 0],
  ['api_keys', 'provider', 'OpenAI'],
  ['api_keys', 'version', -1],
  ['user_preferences', 'name', ''],
  ['user_preferences', 'name', 'a b'],
  ['user_preferences', 'name', 'n'.repeat(65)],
  ['user_preferences', 'value', '{"broken'],
  ['user_preferences', 'version', 0],
  ['context_threads', 'metadata', 'not json'],
  ['context_threads', 'next_seq', 0],
  ['context_threads', 'version', 0],
  ['context_threads', 'created_at', 'yesterday'],
  ['messages', 'seq', 0],
  ['messages', 'role', 'robot'],
  ['messages', 'status', 'finished'],
  ['messages', 'metadata', '{'],
  ['messages', 'version', 0],
  ['health_checks', 'status', 'fine'],
  ['health_checks', 'duration_ms', 1.5],
];

const parents: Partial<Record<TableName, string>> = {
  oauth_identities: 'user_id',
  api_keys: 'user_id',
  user_preferences: 'user_id',
  context_threads: 'owner_id',
  messages: 'thread_id',
};

const optionalColumns: Readonly<Record<TableName, readonly string[]>> = {
  users: ['display_name', 'email_verified_at'],
  oauth_identities: ['email', 'sealed_refresh_token', 'last_used_at'],
  api_keys: ['label', 'sealed_key', 'last_used_at', 'revoked_at'],
  user_preferences: [],
  context_threads: ['owner_id', 'source_id', 'title', 'metadata'],
  messages: ['metadata'],
  health_checks: ['message', 'duration_ms'],
};

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  return undefined;
}

describeOnEachDatabase('the chat schema keeps its rules', (database) => {
  let provider: DatabaseProvider<ChatDatabase>;

  before(async () => {
    provider = await openMigrated(await database.freshUrl());
  });

  after(() => provider.close());

  const count = async (table: TableName | 'message_search', column: string, value: string) => {
    const { rows } = await sql<{ total: number }>`
      select count(*) as total from ${sql.table(table)} where ${sql.ref(column)} = ${value}
    `.execute(provider.db);
    return rows[0]?.total;
  };

  /** Inserts the row of a table, spoilt, after the rows that it refers to. */
  const insertSpoilt = async (table: TableName, changes: Record<string, unknown>) => {
    const rows = makeRows();
    for (const name of tableNames) {
      if (name === table) return errorOf(insertRow(provider.db, name, { ...rows[name], ...changes }));
      await insertRow(provider.db, name, rows[name]);
    }
    return undefined;
  };

  it('takes a good row in every table', async () => {
    const rows = await insertAll(provider.db);
    for (const table of tableNames) {
      const key = table === 'user_preferences' ? 'user_id' : 'id';
      const value = table === 'user_preferences' ? rows.users.id : rows[table].id;
      expect(await count(table, key, value), table).to.equal(1);
    }
  });

  for (const [table, column, value] of refused) {
    it(`refuses ${table}.${column} = ${JSON.stringify(value).slice(0, 20)}`, async () => {
      const error = await insertSpoilt(table, { [column]: value });
      // Postgres refuses what its types do not hold before it comes to a CHECK.
      expect(error).to.satisfy(
        (caught: unknown) => caught instanceof CheckViolationError || caught instanceof QueryError,
      );
      if (typeof value === 'string' && value.length > 2) {
        expect((error as LiminalDataError).message).not.to.include(value);
      }
    });
  }

  for (const table of tableNames) {
    it(`takes NULL in ${table} only where absence means something, and has no defaults`, async () => {
      for (const column of Object.keys(makeRows()[table])) {
        const [withNull, without] = await Promise.all([
          insertSpoilt(table, { [column]: null }),
          insertSpoilt(table, { [column]: undefined }),
        ]);
        const expected = optionalColumns[table].includes(column) ? undefined : NotNullViolationError;
        for (const error of [withNull, without]) {
          if (expected === undefined) expect(error, column).to.equal(undefined);
          else expect(error, column).to.be.instanceOf(expected);
        }
      }
    });
  }

  for (const [table, column] of Object.entries(parents) as [TableName, string][]) {
    it(`refuses a row of ${table} that refers to nothing`, async () => {
      expect(await insertSpoilt(table, { [column]: id() })).to.be.instanceOf(ForeignKeyViolationError);
    });
  }

  for (const [table, columns] of [
    ['users', ['email']],
    ['users', ['id']],
    ['oauth_identities', ['provider', 'provider_user_id']],
    ['api_keys', ['user_id', 'provider']],
    ['user_preferences', ['user_id', 'name']],
    ['context_threads', ['source_id']],
    ['messages', ['thread_id', 'seq']],
  ] as const) {
    it(`refuses a second row of ${table} with the same ${columns.join(' and ')}`, async () => {
      const rows = makeRows();
      rows.context_threads = { ...rows.context_threads, source_id: id() as never };
      for (const name of tableNames) await insertRow(provider.db, name, rows[name]);
      const other = { ...makeRows()[table], ...parentsOf(rows, table) };
      const same = Object.fromEntries(columns.map((column) => [column, rows[table][column as never]]));
      const error = await errorOf(insertRow(provider.db, table, { ...other, ...same }));
      expect(error).to.be.instanceOf(UniqueViolationError);
      expect(error).to.deep.include({ table, columns });
    });
  }

  it('lets everything go that belongs to a user who goes, and nothing else', async () => {
    const [gone, stays] = [await insertAll(provider.db), await insertAll(provider.db)];
    const ownerless = { ...makeRows().context_threads, owner_id: null };
    await insertRow(provider.db, 'context_threads', ownerless);
    await provider.db.deleteFrom('users').where('id', '=', gone.users.id).execute();
    for (const [rows, left] of [
      [gone, 0],
      [stays, 1],
    ] as const) {
      expect(await count('oauth_identities', 'user_id', rows.users.id)).to.equal(left);
      expect(await count('api_keys', 'user_id', rows.users.id)).to.equal(left);
      expect(await count('user_preferences', 'user_id', rows.users.id)).to.equal(left);
      expect(await count('context_threads', 'id', rows.context_threads.id)).to.equal(left);
      expect(await count('messages', 'id', rows.messages.id)).to.equal(left);
      expect(await count('message_search', 'message_id', rows.messages.id)).to.equal(left);
    }
    expect(await count('context_threads', 'id', ownerless.id)).to.equal(1);
  });

  it('has room in the search table for the most that the tokeniser gives', async () => {
    const { messages } = await insertAll(provider.db);
    await sql`delete from message_search`.execute(provider.db);
    for (const candidate of [allDifferentCharacters(), allDifferentLigatures()]) {
      const tokens = searchTokens(candidate);
      await insertSearchRow(provider.db, messages.id, tokenColumn(tokens), tokens.length);
      await sql`delete from message_search`.execute(provider.db);
    }
  });
});

/** The columns by which a row refers to others, as the given rows have them. */
function parentsOf(rows: ReturnType<typeof makeRows>, table: TableName): object {
  const column = parents[table];
  return column === undefined ? {} : { [column]: rows[table][column as never] };
}

/** 256 KiB of characters that are a token each, none of them twice. */
function allDifferentCharacters(): string {
  return Array.from({ length: 0x33480 }, (_, code) => String.fromCodePoint(code))
    .filter((character) => /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}]/v.test(character))
    .join('');
}

/** 256 KiB of different words, of ligatures that unfold to three and four letters each. */
function allDifferentLigatures(): string {
  const charactersFrom = (first: number, length: number) =>
    Array.from({ length }, (_, index) => String.fromCodePoint(first + index));
  const unfolded = new Map(
    charactersFrom(0xfd50, 64).map((ligature) => [ligature.normalize('NFKD'), ligature]),
  );
  const [threes, fours] = [[...unfolded.values()], charactersFrom(0xfdf2, 7)];
  const pairs = threes.flatMap((one) => threes.map((other) => one + other));
  return pairs
    .flatMap((pair) => fours.flatMap((one) => fours.map((other) => `${pair}${one}${other}`)))
    .join(' ');
}

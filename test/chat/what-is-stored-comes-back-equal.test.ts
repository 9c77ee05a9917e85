import { expect } from 'chai';
import fc from 'fast-check';
import { sql } from 'kysely';
import { apiKeyFromRow, apiKeyToRow } from '../../src/chat/account/api-key-mapper.ts';
import { oauthIdentityFromRow, oauthIdentityToRow } from '../../src/chat/account/oauth-identity-mapper.ts';
import { preferenceFromRow, preferenceToRow } from '../../src/chat/account/preference-mapper.ts';
import { userFromRow, userToRow } from '../../src/chat/account/user-mapper.ts';
import type { ChatDatabase } from '../../src/chat/chat-database.ts';
import {
  contextThreadFromRow,
  contextThreadToRow,
} from '../../src/chat/conversation/context-thread-mapper.ts';
import { messageFromRow, messageToRow } from '../../src/chat/conversation/message-mapper.ts';
import type { DatabaseProvider } from '../../src/core/index.ts';
import { describeOnEachDatabase } from '../support/database.ts';
import { apiKeys, messages, oauthIdentities, preferences, threads, users } from './arbitraries.ts';
import { insertRow, makeRows, openMigrated, type TableName } from './rows.ts';

describeOnEachDatabase('what is stored comes back equal', (database) => {
  let provider: DatabaseProvider<ChatDatabase>;
  let parents: ReturnType<typeof makeRows>;

  before(async () => {
    provider = await openMigrated(await database.freshUrl());
    parents = makeRows();
    await insertRow(provider.db, 'users', parents.users);
    await insertRow(provider.db, 'context_threads', parents.context_threads);
  });

  after(() => provider.close());

  /** Inserts the row, reads it and takes it away again. */
  const throughTable = async <Table extends TableName>(
    table: Table,
    row: ChatDatabase[Table],
  ): Promise<ChatDatabase[Table]> => {
    await insertRow(provider.db, table, row);
    const [column, key] = 'name' in row ? ['name', row.name] : ['id', row.id];
    const { rows } = await sql<ChatDatabase[Table]>`
      delete from ${sql.table(table)} where ${sql.ref(column)} = ${key} returning *
    `.execute(provider.db);
    const [stored] = rows;
    if (stored === undefined) throw new Error(`The row of ${table} is gone.`);
    return stored;
  };

  const empty: Partial<Record<TableName, object>> = {
    api_keys: { sealed_key: null },
    oauth_identities: { sealed_refresh_token: null },
  };

  const itComesBack = <Entity, Table extends TableName>(
    table: Table,
    entities: fc.Arbitrary<Entity>,
    fromRow: (row: ChatDatabase[Table]) => Entity,
    toRow: (entity: Entity) => Partial<ChatDatabase[Table]>,
    references: () => Partial<ChatDatabase[Table]>,
  ) =>
    it(table, () =>
      fc.assert(
        fc.asyncProperty(entities, async (entity) => {
          // What the mapper leaves out is NULL, as a row that it stores has it.
          const row = { ...empty[table], ...toRow(entity), ...references() } as ChatDatabase[Table];
          expect(fromRow(await throughTable(table, row))).to.deep.equal(fromRow(row));
        }),
        { numRuns: 50 },
      ),
    );

  const ofUser = () => ({ user_id: parents.users.id });
  itComesBack('users', users, userFromRow, userToRow, () => ({}));
  itComesBack('oauth_identities', oauthIdentities, oauthIdentityFromRow, oauthIdentityToRow, ofUser);
  itComesBack('api_keys', apiKeys, apiKeyFromRow, apiKeyToRow, ofUser);
  itComesBack('user_preferences', preferences, preferenceFromRow, preferenceToRow, ofUser);
  itComesBack('context_threads', threads, contextThreadFromRow, contextThreadToRow, () => ({
    owner_id: parents.users.id,
  }));
  itComesBack('messages', messages, messageFromRow, messageToRow, () => ({
    thread_id: parents.context_threads.id,
  }));
});

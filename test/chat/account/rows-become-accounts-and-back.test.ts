import { expect } from 'chai';
import fc from 'fast-check';
import { apiKeyFromRow, apiKeyToRow } from '../../../src/chat/account/api-key-mapper.ts';
import { oauthIdentityFromRow, oauthIdentityToRow } from '../../../src/chat/account/oauth-identity-mapper.ts';
import { preferenceFromRow, preferenceToRow } from '../../../src/chat/account/preference-mapper.ts';
import { userFromRow, userToRow } from '../../../src/chat/account/user-mapper.ts';
import { createPreference } from '../../../src/chat/account/preference.ts';
import { createUser } from '../../../src/chat/account/user.ts';
import type { UserId } from '../../../src/chat/ids.ts';
import { newId } from '../../../src/core/domain/index.ts';
import { apiKeys, oauthIdentities, preferences, users } from '../arbitraries.ts';
import { expectUnreadable, itComesBackEqual } from '../mapper-promises.ts';

describe('account entities become rows and come back equal', () => {
  itComesBackEqual('a user', users, userFromRow, userToRow);
  itComesBackEqual('an identity', oauthIdentities, oauthIdentityFromRow, oauthIdentityToRow);
  itComesBackEqual('the record of a key', apiKeys, apiKeyFromRow, apiKeyToRow);
  itComesBackEqual('a preference', preferences, preferenceFromRow, preferenceToRow);

  it('with NULL for what is absent', () => {
    fc.assert(
      fc.property(users, (user) => {
        expect(userToRow({ ...user, displayName: undefined }).display_name).to.equal(null);
      }),
    );
  });
});

describe('an account row that breaks a rule cannot be read', () => {
  const user = userToRow(createUser({ email: 'ada@example.com' }, { now: 1 }));
  for (const [column, value] of [
    ['id', 'no-uuid'],
    ['email', 'secret'],
    ['display_name', ' '],
    ['version', 0],
    ['created_at', 1.5],
    ['updated_at', -1],
  ] as const) {
    it(`users.${column}`, () => {
      expectUnreadable(() => userFromRow({ ...user, [column]: value }), column, value);
    });
  }

  const preference = preferenceToRow(
    createPreference({ userId: newId<UserId>(), name: 'theme', value: 'dark' }, { now: 1 }),
  );
  for (const value of ['{"broken', '', `"${'x'.repeat(70_000)}"`]) {
    it(`user_preferences.value ${value.slice(0, 10)}`, () => {
      expectUnreadable(() => preferenceFromRow({ ...preference, value }), 'value', value);
    });
  }
});

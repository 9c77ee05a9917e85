import { expect } from 'chai';
import { createApiKey, isRevoked, markApiKeyUsed, revokeApiKey } from '../../../src/chat/account/api-key.ts';
import { createOauthIdentity, markIdentityUsed } from '../../../src/chat/account/oauth-identity.ts';
import type { UserId } from '../../../src/chat/ids.ts';
import { newId, ValidationError } from '../../../src/core/domain/index.ts';

const userId = newId<UserId>();

describe('an OAuth identity keeps its rules', () => {
  const identity = () =>
    createOauthIdentity({ userId, provider: 'google', providerUserId: 'sub-1' }, { now: 1000 });

  it('begins unused, at version 1 and frozen', () => {
    expect(identity()).to.deep.include({ version: 1, lastUsedAt: undefined, email: undefined }).and.be.frozen;
  });

  it('takes any provider that is a slug, since providers are added by configuration', () => {
    const fields = { userId, providerUserId: '1' };
    expect(createOauthIdentity({ ...fields, provider: 'my-idp2' }, { now: 0 }).provider).to.equal('my-idp2');
    for (const provider of ['', 'Google', 'my idp', 'a'.repeat(65), 'gïthub']) {
      expect(() => createOauthIdentity({ ...fields, provider }, { now: 0 })).to.throw(ValidationError);
    }
  });

  it('remembers the latest use, and never an earlier one', () => {
    const used = markIdentityUsed(identity(), { now: 5000 });
    expect(used).to.deep.include({ lastUsedAt: 5000, version: 1 }).and.be.frozen;
    expect(markIdentityUsed(used, { now: 4000 }).lastUsedAt).to.equal(5000);
  });
});

describe('the record of an API key keeps its rules', () => {
  const key = () => createApiKey({ userId, provider: 'openai', label: ' mine ' }, { now: 1000 });

  it('has no place for the key itself', () => {
    expect(Object.keys(key())).to.have.members([
      'id',
      'userId',
      'provider',
      'label',
      'version',
      'createdAt',
      'lastUsedAt',
      'revokedAt',
    ]);
  });

  it('is revoked once and for good', () => {
    const revoked = revokeApiKey(key(), { now: 2000 });
    expect(isRevoked(key())).to.equal(false);
    expect(isRevoked(revoked)).to.equal(true);
    expect(revokeApiKey(revoked, { now: 3000 })).to.equal(revoked);
  });

  it('cannot be used once it is revoked', () => {
    expect(markApiKeyUsed(key(), { now: 2000 }).lastUsedAt).to.equal(2000);
    const revoked = revokeApiKey(key(), { now: 2000 });
    expect(() => markApiKeyUsed(revoked, { now: 3000 })).to.throw(ValidationError, 'revoked');
  });
});

import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import {
  chatEncryption,
  createOauthIdentity,
  createUser,
  markApiKeyUsed,
  openChatStore,
  revokeApiKey,
  UserId,
  type ChatStore,
  type ChatStoreOptions,
  type OauthIdentity,
  type User,
} from '../../../src/chat/index.ts';
import {
  ConfigurationError,
  DecryptionError,
  ForeignKeyViolationError,
  NotFoundError,
  Secret,
  ValidationError,
} from '../../../src/core/index.ts';
import { KeyRing, keyStatus, retireKey, rotateKeys } from '../../../src/core/security/index.ts';
import { createUuidSource } from '../../../src/core/domain/index.ts';
import { chatUrl } from '../../support/chat-store.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';

const canary = 'sk-geheim-4e1c';
const newUuid = createUuidSource();

describeOnEachDatabase("secrets of the chat's users are sealed", (database) => {
  const ring = KeyRing.of(['new', 'old'].map((id) => ({ id, key: randomBytes(32) })));
  let url: string;
  let store: ChatStore;
  let user: User;
  let identity: OauthIdentity;

  const open = (options: Partial<ChatStoreOptions> = {}) =>
    openChatStore({ database: url, encryption: ring, ...options });

  beforeEach(async () => {
    url = await chatUrl(database);
    store = await open();
    user = await store.users.insert(createUser({ email: 'ada@example.org' }, { now: 1 }));
    identity = await store.oauthIdentities.insert(
      createOauthIdentity({ userId: user.id, provider: 'google', providerUserId: '1042' }, { now: 1 }),
    );
  });

  afterEach(() => store.close());

  async function dump(): Promise<string> {
    const keys = await store.provider.db.selectFrom('api_keys').selectAll().execute();
    const identities = await store.provider.db.selectFrom('oauth_identities').selectAll().execute();
    return JSON.stringify([keys, identities]);
  }

  it('in the table, and come out by reveal alone', async () => {
    const { apiKeys } = store;
    const stored = await apiKeys.store(user.id, 'openai', new Secret(canary), { label: 'work' });
    expect(stored).to.include({ userId: user.id, provider: 'openai', label: 'work', version: 1 });
    expect((await apiKeys.reveal(user.id, 'openai')).reveal()).to.equal(canary);
    const given = [
      stored,
      await apiKeys.list(user.id),
      await apiKeys.getById(stored.id),
      await apiKeys.findMany({}),
      await apiKeys.page({}),
      await apiKeys.reveal(user.id, 'openai'),
    ];
    expect(JSON.stringify(given)).not.to.include(canary).and.not.include('liminal:1:');
    expect(inspect(given, { depth: 10, showHidden: true })).not.to.include(canary);
    expect(await dump())
      .to.include('liminal:1:new:')
      .and.not.include(canary);
    for (const ask of [
      () => apiKeys.findMany({}, { select: ['sealed_key'] }),
      () => apiKeys.findMany({ sealed_key: 'a' }),
      () => apiKeys.findMany({}, { orderBy: 'sealed_key' }),
    ]) {
      expect(await rejectionOf(ask())).to.be.instanceOf(ValidationError);
    }
  });

  it('and another key takes the place of the first one, with what was known of it', async () => {
    const { apiKeys } = store;
    const first = await apiKeys.store(user.id, 'openai', 'first', { label: 'work' });
    await apiKeys.touch(user.id, 'openai');
    const used = await apiKeys.getById(first.id);
    expect(used.lastUsedAt).to.be.a('number');
    expect(used.version).to.equal(1);
    await apiKeys.update(revokeApiKey(used, { now: Date.now() }));
    expect(await rejectionOf(apiKeys.reveal(user.id, 'openai'))).to.be.instanceOf(ValidationError);
    const second = await apiKeys.store(user.id, 'openai', 'second');
    expect(second).to.include({ id: first.id, createdAt: first.createdAt, version: 3 });
    expect(second).to.include({ label: undefined, lastUsedAt: undefined, revokedAt: undefined });
    expect((await apiKeys.reveal(user.id, 'openai')).reveal()).to.equal('second');
    expect(await apiKeys.list(user.id)).to.have.lengthOf(1);
  });

  it('and stay as they are where the record changes', async () => {
    const { apiKeys, oauthIdentities } = store;
    const stored = await apiKeys.store(user.id, 'openai', canary);
    await oauthIdentities.storeRefreshToken(identity.id, canary);
    await apiKeys.update(markApiKeyUsed(stored, { now: Date.now() }));
    await oauthIdentities.markUsed(identity.id, 7);
    await oauthIdentities.update({ ...identity, lastUsedAt: 9 });
    expect((await apiKeys.reveal(user.id, 'openai')).reveal()).to.equal(canary);
    expect((await oauthIdentities.revealRefreshToken(identity.id)).reveal()).to.equal(canary);
  });

  it('and are gone with their record', async () => {
    const { apiKeys, users } = store;
    const stored = await apiKeys.store(user.id, 'openai', 'first');
    await apiKeys.delete(stored);
    expect(await rejectionOf(apiKeys.reveal(user.id, 'openai'))).to.be.instanceOf(NotFoundError);
    await apiKeys.store(user.id, 'anthropic', 'second');
    await users.delete(user);
    expect(await dump()).to.equal('[[],[]]');
  });

  it('as refresh tokens are', async () => {
    const { oauthIdentities } = store;
    expect(await rejectionOf(oauthIdentities.revealRefreshToken(identity.id))).to.be.instanceOf(
      NotFoundError,
    );
    await oauthIdentities.storeRefreshToken(identity.id, new Secret(canary));
    expect((await oauthIdentities.revealRefreshToken(identity.id)).reveal()).to.equal(canary);
    expect(await oauthIdentities.getById(identity.id)).to.deep.equal(identity);
    expect(await dump()).not.to.include(canary);
    await oauthIdentities.forgetRefreshToken(identity.id);
    expect(await rejectionOf(oauthIdentities.revealRefreshToken(identity.id))).to.be.instanceOf(
      NotFoundError,
    );
    const nobody = newUuid() as typeof identity.id;
    for (const work of [
      () => oauthIdentities.storeRefreshToken(nobody, 'a'),
      () => oauthIdentities.revealRefreshToken(nobody),
      () => oauthIdentities.forgetRefreshToken(nobody),
    ]) {
      expect(await rejectionOf(work())).to.be.instanceOf(NotFoundError);
    }
  });

  it('and do not open beside another user, provider or identity', async () => {
    const { apiKeys, oauthIdentities, provider } = store;
    await apiKeys.store(user.id, 'openai', 'one');
    await apiKeys.store(user.id, 'anthropic', 'two');
    await provider.query(
      "update api_keys set sealed_key = (select sealed_key from api_keys where provider = 'openai')",
    );
    expect(await rejectionOf(apiKeys.reveal(user.id, 'anthropic'))).to.be.instanceOf(DecryptionError);
    expect((await apiKeys.reveal(user.id, 'openai')).reveal()).to.equal('one');
    await provider.query(
      'update oauth_identities set sealed_refresh_token = (select max(sealed_key) from api_keys)',
    );
    expect(await rejectionOf(oauthIdentities.revealRefreshToken(identity.id))).to.be.instanceOf(
      DecryptionError,
    );
  });

  it('in a unit of work as well, and are undone with it', async () => {
    const undo = new Error('undo');
    const failing = store.unitOfWork.run(async ({ repositories: { apiKeys, oauthIdentities } }) => {
      await apiKeys.store(user.id, 'openai', canary);
      await oauthIdentities.storeRefreshToken(identity.id, canary);
      expect((await apiKeys.reveal(user.id, 'openai')).reveal()).to.equal(canary);
      throw undo;
    });
    expect(await rejectionOf(failing)).to.equal(undo);
    expect(await dump()).not.to.include('liminal:1:');
    await store.provider.transaction(async (on) => {
      await store.apiKeys.store(user.id, 'openai', canary, { on });
      await store.oauthIdentities.storeRefreshToken(identity.id, canary, { on });
      expect((await store.oauthIdentities.revealRefreshToken(identity.id, { on })).reveal()).to.equal(canary);
    });
    expect((await store.apiKeys.reveal(user.id, 'openai')).reveal()).to.equal(canary);
  });

  it('for one user alone, where the store is scoped to them', async () => {
    const grace = await store.users.insert(createUser({ email: 'grace@example.org' }, { now: 1 }));
    await store.scopedTo(grace.id).apiKeys.store(grace.id, 'openai', canary);
    const mine = store.scopedTo(user.id);
    expect(await rejectionOf(mine.apiKeys.reveal(grace.id, 'openai'))).to.be.instanceOf(NotFoundError);
    expect(await mine.apiKeys.list(grace.id)).to.deep.equal([]);
    expect(await rejectionOf(mine.apiKeys.store(grace.id, 'openai', 'stolen'))).to.be.instanceOf(Error);
    expect((await store.apiKeys.reveal(grace.id, 'openai')).reveal()).to.equal(canary);
  });

  it('and what cannot be stored is refused, and never repeated', async () => {
    const { apiKeys } = store;
    const faulty = ['', '  ', `${canary}\ud800`, canary.repeat(2_000)];
    for (const secret of faulty) {
      const error = await rejectionOf(apiKeys.store(user.id, 'openai', secret));
      expect(error).to.be.instanceOf(ValidationError);
      expect(inspect(error, { depth: 10, showHidden: true })).not.to.include(canary);
    }
    expect(await rejectionOf(apiKeys.store(user.id, 'Open AI', canary))).to.be.instanceOf(ValidationError);
    const nobody = UserId.parse(newUuid());
    expect(await rejectionOf(apiKeys.store(nobody, 'openai', canary))).to.be.instanceOf(
      ForeignKeyViolationError,
    );
  });

  it('and without keys everything else works, and they say what is missing', async () => {
    const { apiKeys, oauthIdentities } = store;
    await apiKeys.store(user.id, 'openai', canary);
    await oauthIdentities.storeRefreshToken(identity.id, canary);
    const keyless = database.name === 'sqlite-memory' ? undefined : await open({ encryption: undefined });
    const bare = keyless ?? (await openChatStore({ database: url }));
    try {
      for (const work of [
        () => bare.apiKeys.store(user.id, 'openai', 'a'),
        () => bare.apiKeys.reveal(user.id, 'openai'),
        () => bare.oauthIdentities.storeRefreshToken(identity.id, 'a'),
        () => bare.oauthIdentities.revealRefreshToken(identity.id),
      ]) {
        const error = await rejectionOf(work());
        expect(error).to.be.instanceOf(ConfigurationError);
        expect(error).to.have.property('message').that.includes('LIMINAL_ENCRYPTION_KEY');
        expect(error).to.have.property('message').that.includes('liminal-data keys generate');
      }
      if (keyless === undefined) return;
      const [record] = await bare.apiKeys.list(user.id);
      await bare.apiKeys.update(markApiKeyUsed(record!, { now: Date.now() }));
      await bare.apiKeys.touch(user.id, 'openai');
      await bare.oauthIdentities.forgetRefreshToken(identity.id);
    } finally {
      await bare.close();
    }
    expect((await apiKeys.reveal(user.id, 'openai')).reveal()).to.equal(canary);
  });

  it('and rotate to another key', async () => {
    const { apiKeys, oauthIdentities, provider } = store;
    await apiKeys.store(user.id, 'openai', canary);
    await apiKeys.store(user.id, 'anthropic', canary);
    await oauthIdentities.storeRefreshToken(identity.id, canary);
    const back = ring.withActive('old');
    const tables = chatEncryption;
    expect(await rejectionOf(retireKey(provider, { ring: back, tables, keyId: 'new' }))).to.be.instanceOf(
      Error,
    );
    const report = await rotateKeys(provider, { ring: back, tables });
    expect(report.map(({ table, rotated }) => [table, rotated])).to.deep.equal([
      ['api_keys', 2],
      ['oauth_identities', 1],
    ]);
    expect((await keyStatus(provider, { ring: back, tables })).keys).to.deep.equal({ old: 3, new: 0 });
    await retireKey(provider, { ring: back, tables, keyId: 'new' });
    expect((await apiKeys.reveal(user.id, 'openai')).reveal()).to.equal(canary);
    expect((await oauthIdentities.revealRefreshToken(identity.id)).reveal()).to.equal(canary);
  });
});

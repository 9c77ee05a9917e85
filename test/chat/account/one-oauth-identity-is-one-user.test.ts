import { expect } from 'chai';
import { ValidationError } from '../../../src/core/index.ts';
import {
  createApiKey,
  createPreference,
  openChatStore,
  type OauthSignIn,
  type UserId,
} from '../../../src/chat/index.ts';
import { useChatStores } from '../../support/chat-store.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { rejectionOf } from '../../support/rejection.ts';

const signIn: OauthSignIn = {
  provider: 'google',
  providerUserId: 'oauth-1042',
  email: 'Somebody@Example.org',
  displayName: 'Somebody',
};

describeOnEachDatabase('one OAuth identity is one user', (database) => {
  const open = useChatStores(database);

  it('found again at the second sign-in, under whatever address the provider tells then', async () => {
    const { accounts, users } = await open();
    const user = await accounts.findOrCreateByOAuth(signIn);
    expect(user).to.include({ email: 'somebody@example.org', displayName: 'Somebody', version: 1 });
    expect(await accounts.findOrCreateByOAuth({ ...signIn, email: 'other@example.org' })).to.deep.equal(user);
    expect(await users.count({})).to.equal(1);
  });

  it('found again also where the provider tells no usable address or name then', async () => {
    const { accounts, users } = await open();
    const user = await accounts.findOrCreateByOAuth(signIn);
    for (const told of [
      { email: '' },
      { email: 'no address' },
      { email: undefined as unknown as string },
      { displayName: 'x'.repeat(201) },
    ]) {
      expect(await accounts.findOrCreateByOAuth({ ...signIn, ...told })).to.deep.equal(user);
    }
    expect(await users.count({})).to.equal(1);
  });

  it('also when 50 sign in at once', async () => {
    const { accounts, users, oauthIdentities } = await open();
    const found = await Promise.all(Array.from({ length: 50 }, () => accounts.findOrCreateByOAuth(signIn)));
    expect(new Set(found.map(({ id }) => id)).size).to.equal(1);
    expect([await users.count({}), await oauthIdentities.count({})]).to.deep.equal([1, 1]);
  });

  it('also when two accounts with one verified address sign in at once', async () => {
    const { accounts, users, oauthIdentities } = await open();
    const verified = { ...signIn, emailVerified: true };
    const found = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        accounts.findOrCreateByOAuth({ ...verified, provider: index % 2 === 0 ? 'google' : 'github' }),
      ),
    );
    expect(new Set(found.map(({ id }) => id)).size).to.equal(1);
    expect([await users.count({}), await oauthIdentities.count({})]).to.deep.equal([1, 2]);
  });

  it('and never opens the account of somebody else by an address that nobody vouches for', async () => {
    const { accounts, oauthIdentities } = await open();
    await accounts.findOrCreateByOAuth(signIn);
    const error = await rejectionOf(accounts.findOrCreateByOAuth({ ...signIn, provider: 'github' }));
    expect(error).to.be.instanceOf(ValidationError);
    expect((error as ValidationError).issues[0]?.path).to.deep.equal(['email']);
    expect((error as Error).message).not.to.contain('example.org');
    expect(await oauthIdentities.count({})).to.equal(1);
  });

  it('and never hands a verified sign-in over to whoever took its address before, unverified', async () => {
    const { accounts, oauthIdentities } = await open();
    await accounts.findOrCreateByOAuth({ ...signIn, provider: 'careless' });
    const owner = { ...signIn, emailVerified: true };
    expect(await rejectionOf(accounts.findOrCreateByOAuth(owner))).to.be.instanceOf(ValidationError);
    expect(await oauthIdentities.count({})).to.equal(1);
  });

  it('and takes the id of the provider as it is, spaces and all', async () => {
    const { accounts, users } = await open();
    const odd = { ...signIn, providerUserId: ' 42 ' };
    const user = await accounts.findOrCreateByOAuth(odd);
    expect(await accounts.findOrCreateByOAuth(odd)).to.deep.equal(user);
    const other = { ...signIn, providerUserId: '42', email: 'other@example.org' };
    expect((await accounts.findOrCreateByOAuth(other)).id).not.to.equal(user.id);
    expect(await users.count({})).to.equal(2);
  });

  it('and notes each sign-in by its time', async () => {
    const clock = new FakeClock();
    await using store = await openChatStore({ database: await database.freshUrl(), clock });
    const lastUsed = async () =>
      (await store.oauthIdentities.findByProvider(signIn.provider, signIn.providerUserId))?.lastUsedAt;
    await store.accounts.findOrCreateByOAuth(signIn);
    expect(await lastUsed()).to.equal(clock.now());
    clock.advance(5_000);
    await store.accounts.findOrCreateByOAuth(signIn);
    expect(await lastUsed()).to.equal(clock.now());
  });

  it('and notes when it was used last, without a new version', async () => {
    const { accounts, oauthIdentities } = await open();
    await accounts.findOrCreateByOAuth(signIn);
    const first = await oauthIdentities.findByProvider(signIn.provider, signIn.providerUserId);
    expect(first?.lastUsedAt).to.be.a('number');
    await oauthIdentities.markUsed(first!.id, first!.lastUsedAt! + 5);
    await oauthIdentities.markUsed(first!.id, first!.lastUsedAt! + 3);
    const used = await oauthIdentities.getById(first!.id);
    expect(used).to.include({ lastUsedAt: first!.lastUsedAt! + 5, version: 1 });
    const late = await oauthIdentities.update(first!);
    expect(late).to.include({ lastUsedAt: first!.lastUsedAt! + 5, version: 2 });
  });

  it('and lists the faults of all its fields', async () => {
    const { accounts } = await open();
    const faulty = { provider: 'No Slug', providerUserId: '', email: 'none', displayName: '' };
    const error = (await rejectionOf(accounts.findOrCreateByOAuth(faulty))) as ValidationError;
    expect(error.issues.map(({ path }) => path.join('.'))).to.have.members([
      'email',
      'displayName',
      'provider',
      'providerUserId',
    ]);
  });

  it('and leaves nothing behind where a field is not valid', async () => {
    const { accounts, users, oauthIdentities } = await open();
    for (const fault of [{ email: 'no address' }, { provider: '' }, { providerUserId: '' }]) {
      expect(await rejectionOf(accounts.findOrCreateByOAuth({ ...signIn, ...fault }))).to.be.instanceOf(
        ValidationError,
      );
    }
    expect([await users.count({}), await oauthIdentities.count({})]).to.deep.equal([0, 0]);
  });

  it('and takes everything with it when the user is deleted', async () => {
    const store = await open();
    const { accounts, users, apiKeys, preferences, conversations, threads, messages, oauthIdentities } =
      store;
    const user = await accounts.findOrCreateByOAuth(signIn);
    const other = await accounts.findOrCreateByOAuth({
      ...signIn,
      providerUserId: 'other',
      email: 'other@example.org',
    });
    await fillAccount(user.id);
    await fillAccount(other.id);

    await users.delete(user);

    const counts = await Promise.all([
      users.count({}),
      oauthIdentities.count({}),
      apiKeys.count({}),
      preferences.count({}),
      threads.count({}),
      messages.count({}),
    ]);
    expect(counts).to.deep.equal([1, 1, 1, 1, 1, 2]);
    expect(await conversations.search('hello')).to.have.length(2);

    async function fillAccount(userId: UserId): Promise<void> {
      const now = { now: 1_747_000_000_000 };
      await apiKeys.insert(createApiKey({ userId, provider: 'openai', label: 'work' }, now));
      await preferences.insert(createPreference({ userId, name: 'theme', value: 'dark' }, now));
      const thread = await conversations.startThread({ ownerId: userId });
      const hello = { role: 'user', content: 'hello' } as const;
      await conversations.appendMessages(thread.id, [hello, hello]);
    }
  });
});

describeOnEachDatabase('an API key', (database) => {
  const open = useChatStores(database);

  it('has no place for the key itself in its entity: nothing but `store` writes one', async () => {
    const { provider, accounts, apiKeys } = await open();
    const user = await accounts.findOrCreateByOAuth(signIn);
    const fields = { userId: user.id, provider: 'openai', key: 'sk-test-1' };
    await apiKeys.insert(createApiKey(fields, { now: 1 }));
    const rows = await provider.query<{ sealed_key: string | null }>('select * from api_keys');
    expect(rows.map(({ sealed_key }) => sealed_key)).to.deep.equal([null]);
    expect(JSON.stringify(rows)).not.to.contain('sk-test-1');
  });
});

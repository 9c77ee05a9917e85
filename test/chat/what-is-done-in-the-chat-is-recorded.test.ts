import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import {
  changePreference,
  createMessage,
  createPreference,
  createUser,
  openChatStore,
  renameUser,
  retitleThread,
  revokeApiKey,
  type AuditedChatStore,
  type ThreadId,
  type User,
} from '../../src/chat/index.ts';
import { auditTablesOf } from '../../src/core/audit/audit-tables.ts';
import { ReadOnlyDatabaseError, runAs, type Actor } from '../../src/core/index.ts';
import { KeyRing } from '../../src/core/security/index.ts';
import { chatUrl } from '../support/chat-store.ts';
import { describeOnEachDatabase } from '../support/database.ts';
import { rejectionOf } from '../support/rejection.ts';
import { until } from '../support/until.ts';
import { feedModel } from './reply/models.ts';

const canary = 'geheim-4e1c';
const now = 1_700_000_000_000;
const ann: Actor = { type: 'user', id: 'ann', requestId: 'request-7' };

interface Change {
  readonly field: string;
  readonly old?: unknown;
  readonly new?: unknown;
}

interface Recorded {
  readonly actor: string | null;
  readonly request: string | null;
  readonly action: string;
  readonly entity: string | null;
  readonly id: string | null;
  readonly changes: readonly Change[];
}

describeOnEachDatabase('what is done in the chat is recorded', (database) => {
  let store: AuditedChatStore;
  let user: User;
  let threadId: ThreadId;
  let seen: number;

  beforeEach(async () => {
    const ring = KeyRing.of([{ id: 'k', key: randomBytes(32) }]);
    store = await openChatStore({
      database: await chatUrl(database, { keys: ring }),
      encryption: ring,
      audit: { keys: ring },
    });
    user = await store.users.insert(createUser({ email: 'ada@example.org' }, { now }));
    ({ id: threadId } = await store.conversations.startThread({ ownerId: user.id, title: 'Lunch' }));
    seen = (await rows()).length;
  });

  afterEach(async () => {
    const report = await store.audit.verify();
    expect(report.streams.filter(({ fault }) => fault !== undefined)).to.deep.equal([]);
    await store.close();
  });

  function rows() {
    return auditTablesOf(store.provider.db).selectFrom('audit_logs').selectAll().orderBy('id').execute();
  }

  /** What was recorded since the last look, in its order. */
  async function recorded(): Promise<Recorded[]> {
    const all = await rows();
    const fresh = all.slice(seen);
    seen = all.length;
    return fresh.map((row) => {
      const content = JSON.parse(row.content ?? '{}') as { readonly changes?: Change[] };
      return {
        actor: row.actor_id,
        request: row.request_id,
        action: row.action,
        entity: row.entity_type,
        id: row.entity_id,
        changes: content.changes ?? [],
      };
    });
  }

  const actions = async (): Promise<string[]> =>
    (await recorded()).map(({ action, entity }) => `${action} ${entity}`);

  it('by whom, in which request, and what it was before and after', async () => {
    const renamed = await runAs(ann, () => store.users.update(renameUser(user, 'Ada', { now })));
    const thread = await store.threads.getById(threadId);
    await store.threads.update(retitleThread(thread, 'Dinner', { now }));
    const [name, title] = await recorded();
    expect(name).to.deep.include({ actor: 'ann', request: 'request-7', action: 'update', id: user.id });
    expect(name?.changes).to.deep.include({ field: 'display_name', old: null, new: 'Ada' });
    expect(title).to.deep.include({ actor: null, entity: 'thread', id: threadId });
    expect(title?.changes).to.deep.include({ field: 'title', old: 'Lunch', new: 'Dinner' });
    expect(title?.changes.map(({ field }) => field)).to.not.include.members(['updated_at', 'next_seq']);
    expect(renamed.displayName).to.equal('Ada');
  });

  it('as settings and messages, without what stands in them', async () => {
    const created = createPreference({ userId: user.id, name: 'theme', value: canary }, { now });
    const preference = await store.preferences.insert(created);
    await store.preferences.update(changePreference(preference, [canary], { now }));
    const message = await store.conversations.appendMessage(threadId, {
      role: 'user',
      content: canary,
      metadata: { canary },
    });
    const changed = await store.conversations.updateMessage(message, { content: `${canary}!` });
    await store.messages.update(changed);
    const all = await recorded();
    expect(all.map(({ action, entity }) => `${action} ${entity}`)).to.deep.equal([
      'create preference',
      'update preference',
      'create message',
      'update message',
      'update message',
    ]);
    const contents = all.slice(2).map(({ changes }) => changes.find(({ field }) => field === 'content'));
    expect(contents[1]?.old).to.deep.equal(contents[0]?.new);
    expect(contents[1]?.new).to.not.deep.equal(contents[1]?.old);
    expect(contents[2], 'an update that leaves the content as it is').to.equal(undefined);
    expect(JSON.stringify(await rows())).not.to.include(canary);
  });

  it('as each secret that is stored, given out and forgotten, and never the secret', async () => {
    const { apiKeys, oauthIdentities } = store;
    const key = await apiKeys.store(user.id, 'openai', canary, { label: 'work' });
    await apiKeys.reveal(user.id, 'openai');
    await apiKeys.touch(user.id, 'openai');
    await apiKeys.store(user.id, 'openai', `${canary}-2`);
    await apiKeys.update(revokeApiKey(await apiKeys.getById(key.id), { now: Date.now() }));
    await apiKeys.delete(await apiKeys.getById(key.id));
    expect(await actions()).to.deep.equal([
      'create api-key',
      'reveal api-key',
      'update api-key',
      'update api-key',
      'delete api-key',
    ]);

    await store.accounts.findOrCreateByOAuth({
      provider: 'google',
      providerUserId: '1',
      email: 'b@example.org',
    });
    const identity = await oauthIdentities.findByProvider('google', '1');
    seen = (await rows()).length;
    await oauthIdentities.storeRefreshToken(identity!.id, canary);
    await oauthIdentities.revealRefreshToken(identity!.id);
    await oauthIdentities.forgetRefreshToken(identity!.id);
    await rejectionOf(oauthIdentities.revealRefreshToken(identity!.id));
    expect(await actions()).to.deep.equal([
      'store-refresh-token oauth-identity',
      'reveal oauth-identity',
      'forget-refresh-token oauth-identity',
    ]);
    expect(JSON.stringify(await rows()))
      .not.to.include(canary)
      .and.not.include('liminal:1:');
  });

  it('as each sign-in, by whoever signs in', async () => {
    const signIn = { provider: 'google', providerUserId: '1', email: 'b@example.org' };
    const { id } = await store.accounts.findOrCreateByOAuth(signIn);
    await store.accounts.findOrCreateByOAuth(signIn);
    const all = await recorded();
    expect(all.map(({ action, entity, actor }) => [action, entity, actor])).to.deep.equal([
      ['create', 'user', id],
      ['create', 'oauth-identity', id],
      ['sign-in', 'oauth-identity', id],
      ['sign-in', 'oauth-identity', id],
    ]);
  });

  it('as each thread and message of an import, once', async () => {
    const threads = [1, 2].map((number) => ({
      sourceId: `old-${number}`,
      messages: [{ role: 'user', content: canary } as const],
    }));
    await store.conversations.importThreads(threads);
    const all = await recorded();
    expect(all.map(({ action, entity }) => `${action} ${entity}`)).to.have.members([
      'create thread',
      'create thread',
      'create message',
      'create message',
    ]);
    const ids = (await store.threads.findMany({ source_id: { ne: null } })).map(({ id }) => id);
    expect(all.filter(({ entity }) => entity === 'thread').map(({ id }) => id)).to.have.members(ids);
    await store.conversations.importThreads(threads);
    expect(await actions()).to.deep.equal([]);
  });

  it('as everything that goes with a thread or a user', async () => {
    await store.conversations.appendMessages(threadId, [
      { role: 'user', content: 'one' },
      { role: 'user', content: 'two' },
    ]);
    await store.apiKeys.store(user.id, 'openai', 'key');
    await store.preferences.insert(createPreference({ userId: user.id, name: 'theme', value: 1 }, { now }));
    const other = await store.conversations.startThread({ ownerId: user.id });
    await store.conversations.appendMessage(other.id, { role: 'user', content: 'three' });
    await recorded();
    expect(await store.conversations.deleteThread(threadId)).to.equal(true);
    expect(await store.conversations.deleteThread(threadId)).to.equal(false);
    expect(await actions()).to.have.members(['delete message', 'delete message', 'delete thread']);
    await store.users.delete(user);
    expect(await actions()).to.have.members([
      'delete message',
      'delete thread',
      'delete preference',
      'delete api-key',
      'delete user',
    ]);
  });

  it('of a reply as its question, the begin and the end of its answer', async () => {
    const fed = feedModel();
    await using replies = store.replies({ model: fed.model, writeInterval: 1 });
    const reply = runAs(ann, () => replies.reply(threadId, { content: 'Where?' }));
    await fed.asked();
    for (const word of ['To ', 'the ', 'café.']) {
      fed.say(word);
      await until(() => store.messages.exists({ content: { contains: word.trim() } }));
    }
    fed.end();
    const answer = await reply;
    expect(answer.version).to.be.greaterThan(3);
    const all = await recorded();
    expect(all.map(({ action, entity, actor }) => [action, entity, actor])).to.deep.equal([
      ['create', 'message', 'ann'],
      ['create', 'message', 'ann'],
      ['update', 'message', 'ann'],
      ['update', 'message', 'ann'],
    ]);
    expect(all.at(-1)?.changes).to.deep.include({ field: 'status', old: 'streaming', new: 'complete' });
  });

  it('by the application itself where a reply goes on without whoever asked', async () => {
    await using replies = store.replies({ model: () => 'Yes.' });
    await replies.reply(threadId, { content: 'Where?' });
    expect(new Set((await recorded()).map(({ actor }) => actor))).to.deep.equal(new Set(['chat-reply']));
  });

  it('of a user in their own chat as theirs, where nobody else is known to act', async () => {
    const chat = store.scopedTo(user.id);
    const thread = await chat.conversations.startThread({ title: 'Mine' });
    await runAs(ann, () => chat.threads.update(retitleThread(thread, 'Ours', { now })));
    await chat.users.delete(await chat.users.getById(user.id));
    const all = await recorded();
    expect(all.slice(0, 2).map(({ action, actor }) => [action, actor])).to.deep.equal([
      ['create', user.id],
      ['update', 'ann'],
    ]);
    expect(all.slice(2).map(({ action, entity, actor }) => `${action} ${entity} ${actor}`)).to.have.members([
      `delete thread ${user.id}`,
      `delete thread ${user.id}`,
      `delete user ${user.id}`,
    ]);
  });

  it('with the change or not at all', async () => {
    const { unitOfWork } = store;
    await rejectionOf(
      unitOfWork.run(async ({ conversations, repositories }) => {
        await conversations.appendMessage(threadId, { role: 'user', content: 'lost' });
        await repositories.users.delete(user);
        throw new Error('undone');
      }),
    );
    expect(await actions()).to.deep.equal([]);
    await unitOfWork.run(async (unit) => {
      await unit.conversations.appendMessage(threadId, { role: 'user', content: 'kept' });
      await rejectionOf(
        unitOfWork.run(async ({ conversations }) => {
          await conversations.deleteThread(threadId);
          throw new Error('undone');
        }),
      );
      await unit.repositories.messages.insert(
        createMessage({ threadId, seq: 7, role: 'user', content: 'by hand' }, { now }),
      );
    });
    expect(await actions()).to.deep.equal(['create message', 'create message']);
  });

  it('also a secret that is given out in a unit of work, which a read-only unit therefore refuses', async () => {
    await store.apiKeys.store(user.id, 'openai', 'key');
    await recorded();
    const reveal = ({ repositories }: Parameters<Parameters<typeof store.unitOfWork.run>[0]>[0]) =>
      repositories.apiKeys.reveal(user.id, 'openai');
    expect((await store.unitOfWork.run(reveal)).reveal()).to.equal('key');
    expect(await actions()).to.deep.equal(['reveal api-key']);
    expect(await rejectionOf(store.unitOfWork.run(reveal, { readOnly: true }))).to.be.instanceOf(
      ReadOnlyDatabaseError,
    );
    expect(await actions()).to.deep.equal([]);
  });
});

describeOnEachDatabase('nothing is recorded where nobody asked for it', (database) => {
  it('and there is no table for it', async () => {
    await using store = await openChatStore({ database: await database.freshUrl() });
    expect(store.audit).to.equal(undefined);
    const tables = await store.provider.db.introspection.getTables();
    expect(tables.map(({ name }) => name).filter((name) => name.startsWith('audit'))).to.deep.equal([]);
  });
});

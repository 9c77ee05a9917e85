/**
 * The audit trail: who changed what, with the change; what a secret was given out for; and a trail that was tampered
 * with, which says where.
 * `DATABASE_URL=postgres://… node examples/09-audit.ts` does the same on PostgreSQL.
 */
import { databaseConfigFromEnv, runAs } from 'liminal-data';
import { createUser, openChatStore, renameUser } from 'liminal-data/chat';
import { KeyRing, generateKey } from 'liminal-data/security';

// An application takes them from the environment: KeyRing.fromEnv().
const ring = KeyRing.of([{ id: 'example', key: generateKey().key }]);
const store = await openChatStore({
  database: databaseConfigFromEnv(),
  encryption: ring,
  audit: { keys: ring },
});
const { users, apiKeys, unitOfWork, audit } = store;

const ada = await users.insert(createUser({ email: 'ada@example.org' }, { now: Date.now() }));
await runAs({ type: 'user', id: ada.id, requestId: 'request-1' }, async () => {
  await apiKeys.store(ada.id, 'openai', 'sk-example');
  await users.update(renameUser(ada, 'Ada', { now: Date.now() }));
});

// What is rolled back leaves no trace.
await unitOfWork
  .run(async ({ repositories }) => {
    await repositories.users.delete(await repositories.users.getById(ada.id));
    throw new Error('changed my mind');
  })
  .catch((error: unknown) => console.log(`rolled back: ${(error as Error).message}`));

await runAs({ type: 'service', id: 'reply-worker' }, () => apiKeys.reveal(ada.id, 'openai'));

for (const { entry, state } of await audit.history('user', ada.id))
  console.log(entry.action, entry.actor?.type ?? 'nobody', state?.['display_name']);

const { items } = await audit.trail({ entity: 'api-key' });
for (const { action, actor, changes } of items) {
  const key = changes.find(({ field }) => field === 'sealed_key');
  console.log(action, actor?.type, JSON.stringify(key?.new));
}

const anchor = await audit.anchor();
console.log('sound:', (await audit.verify({ anchors: [anchor] })).isSound);

const edit = store.provider.exec("update audit_logs set actor_id = 'somebody else' where action = 'reveal'");
await edit.catch(() => console.log('the database refuses to change it'));

const forged = { ...anchor, heads: anchor.heads.map((head) => ({ ...head, seq: head.seq + 1 })) };
await audit.verify({ anchors: [forged] }).catch(() => console.log('a forged anchor is refused'));
await store.close();

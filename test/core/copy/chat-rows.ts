import { chatMigrations } from '../../../migrations/chat/index.ts';
import { openChatStore, createUser } from '../../../src/chat/index.ts';
import { sagaMigrations } from '../../../src/core/index.ts';
import { auditMigrations } from '../../../src/core/audit/index.ts';
import { healthMigrations } from '../../../src/core/health/index.ts';
import { outboxMigrations } from '../../../src/core/outbox/index.ts';
import { generateKey, KeyRing, tokenMigrations } from '../../../src/core/security/index.ts';
import { orderSets } from '../../../src/core/migrate/index.ts';
import type { Provider } from './copy-scene.ts';

/** Everything that the package brings. */
export const chatSets = orderSets([
  auditMigrations,
  chatMigrations,
  healthMigrations,
  outboxMigrations,
  sagaMigrations,
  tokenMigrations,
]);

const ring = KeyRing.of([{ id: 'copy', key: generateKey().key }]);

/** Puts rows into every table of the chat and of the sets around it, the audit trail among them. */
export async function fillChat(url: string, provider: Provider): Promise<void> {
  await using store = await openChatStore({ database: url, encryption: ring, audit: { keys: ring } });
  const now = 1_700_000_000_000;
  for (let n = 0; n < 3; n += 1) {
    const user = await store.users.insert(createUser({ email: `user-${n}@example.org` }, { now }));
    await store.apiKeys.store(user.id, 'openai', `sk-${n}`);
    for (let m = 0; m < 3; m += 1) {
      const thread = await store.conversations.startThread({ title: `Thread ${m} 😀`, ownerId: user.id });
      await store.conversations.appendMessage(thread.id, {
        role: 'user',
        content: `Where is café ${m}?\n\tAnd "why"?`,
      });
      await store.conversations.appendMessage(thread.id, { role: 'assistant', content: `Nowhere ${m}` });
    }
  }
  const id = (n: number) => `00000000-0000-7000-8000-00000000000${n}`;
  const rows: Record<string, object> = {
    health_checks: {
      id: id(1),
      check_type: 'ready',
      status: 'healthy',
      message: null,
      checked_at: 5,
      duration_ms: 1,
    },
    outbox_keys: { topic: 'orders', key: 'a', last_seq: 7 },
    outbox_messages: {
      id: id(2),
      topic: 'orders',
      key: 'a',
      seq: 7,
      payload: '{"b":[1.50,1e2,null],"a":"\\u0041"}',
      headers: '{}',
      created_at: now,
      attempts: 0,
      available_at: 0,
      fence: 0,
      lease_beat: 0,
    },
    sagas: {
      id: id(3),
      name: 'reply',
      version: 1,
      steps: '["one"]',
      status: 'completed',
      direction: 'forward',
      input_hash: 'x',
      fence: 1,
      heartbeat: 1,
      created_at: now,
      updated_at: now,
    },
    saga_steps: {
      saga_id: id(3),
      direction: 'forward',
      position: 0,
      name: 'one',
      state: 'done',
      attempts: 1,
      failures: 0,
      crashes: 0,
      started_at: now,
    },
    token_families: {
      id: id(4),
      subject: 'ada',
      token_grant: '{"scope":["a"]}',
      created_at: 1,
      expires_at: 2,
    },
    refresh_tokens: { hash: 'h', family_id: id(4), created_at: 1, expires_at: 2 },
    token_revocation_counter: { name: 'n', last_seq: 1 },
    token_revocations: { seq: 1, kind: 'token', value: 'v', issued_until: 1, expires_at: 2 },
  };
  for (const [table, row] of Object.entries(rows)) {
    const names = Object.keys(row);
    await provider.exec(
      `insert into ${table} (${names.join(', ')}) values (${names.map(() => '?').join(', ')})`,
      Object.values(row) as unknown[],
    );
  }
}

/** Whether the audit trail of a database is sound by its hashes and keyed codes. */
export async function isTrailSound(url: string): Promise<boolean> {
  await using store = await openChatStore({ database: url, encryption: ring, audit: { keys: ring } });
  const { isSound, rows } = await store.audit.verify();
  return isSound && rows > 0;
}

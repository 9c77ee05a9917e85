/**
 * The chat store: accounts, conversations that many append to at once, pages and search.
 * `DATABASE_URL=postgres://… node examples/02-chat-store.ts` does the same on PostgreSQL.
 */
import { databaseConfigFromEnv } from 'liminal-data';
import { openChatStore } from 'liminal-data/chat';

const store = await openChatStore({ database: databaseConfigFromEnv() });
const { accounts, conversations, users } = store;

const user = await accounts.findOrCreateByOAuth({
  provider: 'google',
  providerUserId: '1042',
  email: 'ada@example.org',
  displayName: 'Ada',
});
const thread = await conversations.startThread({
  ownerId: user.id,
  title: 'Lunch',
  metadata: { place: 'Bonn' },
});

// Each gets a place of its own, without gaps.
await Promise.all(
  Array.from({ length: 20 }, (_, index) =>
    conversations.appendMessage(thread.id, { role: 'user', content: `Where is café number ${index}?` }),
  ),
);

const answer = await conversations.appendMessage(thread.id, {
  role: 'assistant',
  content: '',
  status: 'pending',
});
const streaming = await conversations.updateMessage(answer, { status: 'streaming', content: 'Round the' });
await conversations.updateMessage(streaming, { status: 'complete', content: 'Round the corner.' });

const latest = await conversations.threadWithMessages(thread.id, { limit: 3 });
console.log(latest.messages.map(({ seq, role, status }) => `${seq} ${role} ${status}`));
const older = await conversations.pageMessages(thread.id, { limit: 3, after: latest.olderCursor });
console.log(older.items.map(({ seq }) => seq));

const [hit] = await conversations.search('CAFE 7', { userId: user.id });
console.log(hit?.message.content);

// Whatever is theirs goes with them.
await users.delete(user);
console.log(await store.messages.count({}));
await store.close();

/** A process of its own that asks a model in a thread, says so when the answer has begun to grow, and waits. */
import process from 'node:process';
import { openChatStore, ThreadId } from '../../../src/chat/index.ts';

const [url = '', threadId = '', leaseDuration = ''] = process.argv.slice(2);
const store = await openChatStore({ database: url, migrate: false });
const replies = store.replies({
  leaseDuration: Number(leaseDuration),
  writeInterval: 1,
  async *model() {
    yield 'This is where';
    await new Promise(() => {});
  },
});
const reply = replies.reply(ThreadId.parse(threadId), { content: 'Where?' });
reply.catch(() => {});
for (;;) {
  const [answer] = await store.messages.findMany({ content: 'This is where' });
  if (answer !== undefined) break;
}
process.stdout.write('growing\n');

import { expect } from 'chai';
import {
  contextThreadFromRow,
  contextThreadToRow,
} from '../../../src/chat/conversation/context-thread-mapper.ts';
import { createThread } from '../../../src/chat/conversation/context-thread.ts';
import { messageFromRow, messageToRow } from '../../../src/chat/conversation/message-mapper.ts';
import { createMessage } from '../../../src/chat/conversation/message.ts';
import { messages, threads } from '../arbitraries.ts';
import { expectUnreadable, itComesBackEqual } from '../mapper-promises.ts';

describe('conversations become rows and come back equal', () => {
  itComesBackEqual('a thread', threads, contextThreadFromRow, contextThreadToRow);
  itComesBackEqual('a message', messages, messageFromRow, messageToRow);
});

describe('a conversation row that breaks a rule cannot be read', () => {
  const entity = createThread({ metadata: { a: 1 } }, { now: 1 });
  const thread = contextThreadToRow(entity);
  for (const [column, value] of [
    ['id', ''],
    ['owner_id', 'nobody'],
    ['source_id', ''],
    ['title', ' '],
    ['metadata', '{"secret'],
    ['metadata', '["secret"]'],
    ['next_seq', 0],
    ['version', 1.5],
    ['created_at', -1],
    ['updated_at', Number.MAX_VALUE],
  ] as const) {
    it(`context_threads.${column} ${JSON.stringify(value)}`, () => {
      expectUnreadable(() => contextThreadFromRow({ ...thread, [column]: value }), column, value);
    });
  }

  const fields = { threadId: entity.id, seq: 1, role: 'user', content: 'Hello' } as const;
  const message = messageToRow(createMessage(fields, { now: 1 }));
  for (const [column, value] of [
    ['id', 'x'],
    ['thread_id', 'x'],
    ['seq', 0],
    ['role', 'robot'],
    ['content', ''],
    ['status', 'finished'],
    ['metadata', 'null and void'],
    ['version', -1],
    ['created_at', Number.NaN],
  ] as const) {
    it(`messages.${column} ${JSON.stringify(value)}`, () => {
      expectUnreadable(() => messageFromRow({ ...message, [column]: value }), column, value);
    });
  }

  it('but an empty message that was never completed can', () => {
    expect(messageFromRow({ ...message, content: '', status: 'error' }).content).to.equal('');
  });
});

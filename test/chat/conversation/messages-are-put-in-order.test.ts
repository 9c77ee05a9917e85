import { expect } from 'chai';
import fc from 'fast-check';
import { createThread } from '../../../src/chat/conversation/context-thread.ts';
import { createMessage } from '../../../src/chat/conversation/message.ts';
import { normalizeThread } from '../../../src/chat/conversation/thread-with-messages.ts';
import type { ThreadId } from '../../../src/chat/ids.ts';
import { newId, ValidationError } from '../../../src/core/domain/index.ts';

const thread = createThread({}, { now: 0 });
const message = (seq: number, threadId = thread.id) =>
  createMessage({ threadId, seq, role: 'user', content: `message ${seq}` }, { now: 0 });

describe('the messages of a thread are put in order', () => {
  it('in whatever order they come, and wherever they begin', () => {
    const stretch = fc
      .tuple(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 0, max: 50 }))
      .map(([first, count]) => Array.from({ length: count }, (_, index) => message(first + index)));
    const shuffled = stretch.chain((ordered) =>
      fc.tuple(fc.constant(ordered), fc.shuffledSubarray(ordered, { minLength: ordered.length })),
    );
    fc.assert(
      fc.property(shuffled, ([ordered, mixed]) => {
        const before = [...mixed];
        expect(normalizeThread(thread, mixed).messages).to.deep.equal(ordered);
        expect(mixed).to.deep.equal(before);
      }),
      { numRuns: 50 },
    );
  });

  it('and frozen', () => {
    const normalized = normalizeThread(thread, [message(2), message(1)]);
    expect(normalized).to.be.frozen;
    expect(normalized.messages).to.be.frozen;
  });

  it('and refused where one is missing', () => {
    expect(() => normalizeThread(thread, [message(1), message(3)])).to.throw(
      ValidationError,
      'messages.1.seq: must be 2, after 1',
    );
  });

  it('and refused where two have one place', () => {
    expect(() => normalizeThread(thread, [message(1), message(1)])).to.throw(
      ValidationError,
      'messages.1.seq',
    );
  });

  it('and refused where one is of another thread', () => {
    const stranger = message(2, newId<ThreadId>());
    expect(() => normalizeThread(thread, [message(1), stranger])).to.throw(
      ValidationError,
      'messages.1.threadId',
    );
  });
});

import { expect } from 'chai';
import { createMessage, withContent } from '../../../src/chat/conversation/message.ts';
import { MessageContent } from '../../../src/chat/conversation/message-content.ts';
import type { MessageRole } from '../../../src/chat/conversation/message-role.ts';
import type { ThreadId } from '../../../src/chat/ids.ts';
import { newId, ValidationError } from '../../../src/core/domain/index.ts';

const threadId = newId<ThreadId>();
const megabyte = 1024 * 1024;

describe('a message keeps its limits', () => {
  it('holds 1 MiB of UTF-8 and not a byte more', () => {
    expect(MessageContent.parse('x'.repeat(megabyte))).to.have.lengthOf(megabyte);
    expect(MessageContent.parse('é'.repeat(megabyte / 2))).to.have.lengthOf(megabyte / 2);
    expect(() => MessageContent.parse('x'.repeat(megabyte + 1))).to.throw(ValidationError, '1 MiB');
    expect(() => MessageContent.parse('é'.repeat(megabyte / 2 + 1))).to.throw(ValidationError, '1 MiB');
  });

  it('keeps its text as it was written', () => {
    for (const text of ['  spaces  ', '\n', 'cafe\u0301', '\r\n', '\u{1f468}\u200d\u{1f469}']) {
      expect(MessageContent.parse(text)).to.equal(text);
    }
  });

  it('refuses what would not come back from the database', () => {
    for (const text of ['a\0b', '\ud800', 'a\udc00']) {
      expect(() => MessageContent.parse(text)).to.throw(ValidationError, 'well-formed');
    }
  });

  it('lists every fault of every field at once', () => {
    const role = 'robot' as MessageRole;
    try {
      createMessage({ threadId, seq: 0, role, content: '\0', metadata: [] }, { now: Number.NaN });
    } catch (error) {
      const { issues } = error as ValidationError;
      const paths = issues.map(({ path }) => path[0]);
      expect(paths).to.have.members(['seq', 'role', 'content', 'metadata', 'createdAt']);
      return;
    }
    expect.fail('the message was made');
  });

  it('can be edited when it is complete, as a frozen copy of the same version', () => {
    const message = createMessage({ threadId, seq: 1, role: 'user', content: 'Helo' }, { now: 1000 });
    const edited = withContent(message, 'Hello');
    expect(edited).to.deep.equal({ ...message, content: 'Hello' }).and.be.frozen;
    expect(message.content).to.equal('Helo');
  });
});

import { expect } from 'chai';
import type { MessageStatus } from '../../../src/chat/conversation/message-status.ts';
import { parseMessageStatus } from '../../../src/chat/conversation/message-status.ts';
import { createMessage, withContent, withStatus } from '../../../src/chat/conversation/message.ts';
import type { ThreadId } from '../../../src/chat/ids.ts';
import { newId, ValidationError } from '../../../src/core/domain/index.ts';

const statuses: readonly MessageStatus[] = ['pending', 'streaming', 'complete', 'error', 'interrupted'];
const allowed: readonly string[] = [
  'pending streaming',
  'pending complete',
  'pending error',
  'pending interrupted',
  'streaming complete',
  'streaming error',
  'streaming interrupted',
  'error pending',
  'interrupted pending',
];

const make = (status?: MessageStatus, content = 'Hello') =>
  createMessage({ threadId: newId<ThreadId>(), seq: 1, role: 'assistant', content, status }, { now: 1000 });

describe('a status follows another only where it may', () => {
  for (const from of statuses) {
    for (const to of statuses.filter((status) => status !== from)) {
      const may = allowed.includes(`${from} ${to}`);
      it(`${to} ${may ? 'follows' : 'never follows'} ${from}`, () => {
        const message = make(from);
        if (may) expect(withStatus(message, to)).to.deep.equal({ ...message, status: to }).and.be.frozen;
        else
          expect(() => withStatus(message, to)).to.throw(
            ValidationError,
            `must not become ${to} after ${from}`,
          );
      });
    }

    it(`${from} again changes nothing`, () => {
      const message = make(from);
      expect(withStatus(message, from)).to.equal(message);
    });
  }

  it('and is complete unless another is asked for', () => {
    expect(make().status).to.equal('complete');
  });

  it('and is one of five words', () => {
    for (const word of ['done', 'Complete', '', null, undefined, 1]) {
      expect(() => parseMessageStatus(word)).to.throw(ValidationError, 'must be one of pending');
      expect(() => withStatus(make('pending'), word as MessageStatus)).to.throw(ValidationError);
    }
  });
});

describe('a message may be empty until it is complete', () => {
  for (const status of statuses.filter((word) => word !== 'complete')) {
    it(`while it is ${status}`, () => {
      expect(make(status, '').content).to.equal('');
      expect(withContent(make(status), '').content).to.equal('');
    });
  }

  it('and not longer', () => {
    expect(() => make('complete', '')).to.throw(ValidationError, /^content: /);
    expect(() => withContent(make('complete'), '')).to.throw(ValidationError, /^content: /);
    expect(() => withStatus(make('streaming', ''), 'complete')).to.throw(ValidationError, /^content: /);
  });
});

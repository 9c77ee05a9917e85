import { expect } from 'chai';
import fc from 'fast-check';
import { findLegacyId, makeLegacyId } from '../../../src/chat/legacy/legacy-id.ts';
import { readLegacyMessage } from '../../../src/chat/legacy/legacy-message.ts';
import type { LegacyNote } from '../../../src/chat/legacy/legacy-note.ts';
import { mendText, readLegacyText, readShortText } from '../../../src/chat/legacy/legacy-text.ts';
import { readLegacyThread } from '../../../src/chat/legacy/legacy-thread.ts';
import { readLegacyTime } from '../../../src/chat/legacy/legacy-time.ts';
import { readLegacyUser } from '../../../src/chat/legacy/legacy-user.ts';
import { MessageId, ThreadId } from '../../../src/chat/index.ts';
import { soakCount } from '../../support/engines.ts';
import { legacyKey, legacyTime } from './legacy-files.ts';

const numRuns = soakCount(2_000);
const bytes = fc.option(
  fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
    fc.json().map((text) => Buffer.from(text)),
  ),
);
const stamp = fc.option(fc.oneof(fc.double(), fc.integer(), fc.string(), fc.constant(legacyTime)));

describe('what a legacy value means', () => {
  it('is, of a time, the moment that it says in whatever form, and no note where it is ms', () => {
    const cases: readonly (readonly [unknown, number | undefined, string | undefined])[] = [
      [legacyTime, legacyTime, undefined],
      [0, 0, undefined],
      [legacyTime / 1_000, legacyTime, 'time-in-seconds'],
      [99_999_999_999, 99_999_999_999_000, 'time-in-seconds'],
      [100_000_000_000, 100_000_000_000, undefined],
      [legacyTime + 0.9, legacyTime, 'time-is-not-whole'],
      [8.64e15, 8.64e15, undefined],
      [8.64e15 + 2, undefined, 'time-is-unreadable'],
      [Number.NaN, undefined, 'time-is-unreadable'],
      [-1, undefined, 'time-is-negative'],
      [String(legacyTime), legacyTime, 'time-is-text'],
      [`${legacyTime / 1_000}`, legacyTime, 'time-is-text'],
      ['2025-05-11T21:46:40Z', legacyTime, 'time-is-text'],
      ['2025-05-11 21:46:40', legacyTime, 'time-is-text'],
      ['2025-05-11T23:46:40+02:00', legacyTime, 'time-is-text'],
      ['1969-12-31', undefined, 'time-is-unreadable'],
      ['2025-13-40', undefined, 'time-is-unreadable'],
      ['yesterday', undefined, 'time-is-unreadable'],
      [undefined, undefined, 'time-is-missing'],
      [{}, undefined, 'time-is-unreadable'],
    ];
    for (const [value, time, reason] of cases) {
      const notes: LegacyNote[] = [];
      expect(readLegacyTime(value, undefined, 'at', notes), String(value)).to.equal(time);
      expect(
        notes.map((note) => note.reason),
        String(value),
      ).to.deep.equal(reason === undefined ? [] : [reason]);
    }
  });

  it('is, of an id, the UUID that it is, or one that is always the same and nobody else’s', () => {
    fc.assert(
      fc.property(fc.uuid(), (id) => {
        expect(findLegacyId(id.toUpperCase(), 'users')).to.deep.equal({ id, legacyId: undefined });
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.string()), fc.array(fc.string()), (one, other) => {
        expect(MessageId.is(makeLegacyId(...one))).to.equal(true);
        const isSame = JSON.stringify(one) === JSON.stringify(other);
        expect(makeLegacyId(...one) === makeLegacyId(...other)).to.equal(isSame);
      }),
      { numRuns },
    );
    // It must never become another one: a database that was half imported by an older version would hold both.
    expect(findLegacyId('thread-17', 'context_threads').id).to.equal('e0220d8c-2edc-8f99-a98c-b062195607ce');
  });

  it('is, of a text, the same text, or one that every engine stores, and a note', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 20 }), (text, max) => {
        const mended = mendText(text);
        expect(mended.isWellFormed() && !mended.includes('\0')).to.equal(true);
        const notes: LegacyNote[] = [];
        const short = readShortText(text, { max }, 'title', notes);
        if (short !== undefined) expect(Array.from(short).length).to.be.within(1, max);
        if (notes.length === 0) expect(short ?? '').to.equal(text.trim());
      }),
      { numRuns },
    );
    fc.assert(
      fc.property(fc.uint8Array(), (given) => {
        const notes: LegacyNote[] = [];
        const text = readLegacyText(given, 'title', notes) ?? '';
        expect(Buffer.from(text).equals(given)).to.equal(notes.length === 0);
      }),
      { numRuns },
    );
  });

  it('is, of any member of a thread, a message or a note that holds it whole', () => {
    const context = {
      threadId: ThreadId.parse('1d7e3ece-3eda-40fb-8d0d-4dd7542ced76'),
      legacyThreadId: undefined,
      seq: 1,
      fallbackTime: legacyTime,
    };
    const member = fc.oneof(
      fc.jsonValue(),
      fc.record(
        {
          id: fc.oneof(fc.uuid(), fc.jsonValue()),
          role: fc.oneof(fc.constantFrom('user', 'assistant'), fc.jsonValue()),
          content: fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue()),
          createdAt: stamp,
          status: fc.oneof(fc.constantFrom('complete', 'error'), fc.jsonValue()),
          metadata: fc.jsonValue(),
          more: fc.jsonValue(),
        },
        { requiredKeys: [] },
      ),
    );
    fc.assert(
      fc.property(member, (element) => {
        const notes: LegacyNote[] = [];
        const read = readLegacyMessage(element, 0, context, notes);
        const out = notes.filter(({ outcome }) => outcome === 'left_out');
        expect(out).to.have.length(read === undefined ? 1 : 0);
        if (read === undefined) expect(out[0]?.raw).to.equal(JSON.stringify(element));
        else if (notes.length === 0)
          expect(read.message.content).to.equal((element as { content: string }).content);
      }),
      { numRuns },
    );
  });

  it('is, of any row, a thread or a user that keeps the rules, and no note of a secret holds anything', () => {
    const thread = fc.record({
      rowid: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
      id: bytes,
      title: bytes,
      metadata: bytes,
      messages: bytes,
      created_at: stamp,
      updated_at: stamp,
    });
    fc.assert(
      fc.property(thread, (row) => {
        const read = readLegacyThread(row, 1);
        expect(read.thread.nextSeq).to.equal(read.messages.length + 1);
        JSON.parse(read.rawOfAll());
        for (const { raw } of read.notes) expect(raw === null || raw.isWellFormed()).to.equal(true);
      }),
      { numRuns },
    );
    const user = fc.record({
      rowid: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
      id: bytes,
      email: fc.oneof(bytes, fc.constant(Buffer.from('ada@example.org'))),
      display_name: bytes,
      auth_providers: bytes,
      api_keys: bytes,
      preferences: bytes,
      created_at: stamp,
      updated_at: stamp,
    });
    fc.assert(
      fc.property(user, (row) => {
        const read = readLegacyUser(row, 1, { legacyKey });
        for (const { place, raw } of read.notes) {
          if (/^(?:auth_providers|api_keys)/.test(place)) expect(raw).to.equal(null);
        }
      }),
      { numRuns },
    );
  });
});

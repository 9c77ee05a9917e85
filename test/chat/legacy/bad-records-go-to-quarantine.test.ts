import { expect } from 'chai';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { LegacyReason } from '../../../src/chat/legacy/legacy-note.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import {
  legacyTime,
  makeLegacyDatabase,
  sealLegacy,
  type ThreadCells,
  type UserCells,
} from './legacy-files.ts';
import { dumpTarget, importFrom, openTarget, quarantineOf, reportOf } from './legacy-target.ts';

/** The same UUID of the same words. */
function idOf(words: string): string {
  const hex = createHash('md5').update(words).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}

interface Case {
  readonly what: string;
  readonly thread: Omit<ThreadCells, 'id'> & { readonly id?: ThreadCells['id'] };
  /** `place: reason, outcome` of each note. */
  readonly notes: readonly `${string}: ${LegacyReason}, ${'kept' | 'left_out'}`[];
  /** The contents that come in; undefined where the thread does not. */
  readonly contents: readonly string[] | undefined;
}

const hello = { id: idOf('hello'), role: 'user', content: 'Hello', createdAt: legacyTime };

/** A thread of the message before, one that is spoilt, and one behind it. */
function around(spoilt: unknown, name: string): string {
  const [first, last] = ['first', 'last'].map((word) => ({
    ...hello,
    id: idOf(`${name} ${word}`),
    content: word,
  }));
  return JSON.stringify([first, spoilt, last]);
}

/** The spoilt message of a case: a good one but for some members. */
function messageCase(
  what: string,
  changes: object,
  reason: LegacyReason,
  field: string,
  comesIn: string | null = 'Hello',
): Case {
  const outcome = comesIn === null ? 'left_out' : 'kept';
  return {
    what,
    thread: { messages: around({ ...hello, id: idOf(what), ...changes }, what) },
    notes: [`messages.1${field === '' ? '' : `.${field}`}: ${reason}, ${outcome}`],
    contents: comesIn === null ? ['first', 'last'] : ['first', comesIn, 'last'],
  };
}

const cases: readonly Case[] = [
  {
    what: 'messages that are no JSON',
    thread: { messages: '[{"id": ' },
    notes: ['messages: json-is-unreadable, left_out'],
    contents: [],
  },
  {
    what: 'messages that are NULL',
    thread: { messages: null },
    notes: ['messages: json-is-unreadable, left_out'],
    contents: [],
  },
  {
    what: 'messages that are no array',
    thread: { messages: '{"0": {}}' },
    notes: ['messages: json-is-no-array, left_out'],
    contents: [],
  },
  {
    what: 'messages that nest without end',
    thread: { messages: `${'['.repeat(5_000)}${']'.repeat(5_000)}` },
    notes: ['messages: json-is-unreadable, left_out'],
    contents: [],
  },
  {
    what: 'a message that is no object',
    thread: { messages: around('Hello', 'no object') },
    notes: ['messages.1: message-is-no-object, left_out'],
    contents: ['first', 'last'],
  },
  messageCase('a message without id', { id: undefined }, 'no-id', 'id'),
  messageCase('a message whose id is a number', { id: 7 }, 'no-id', 'id'),
  // At random, since Postgres packs what repeats itself before it measures it for an index.
  messageCase('a message whose id is a book', { id: randomBytes(9_000).toString('hex') }, 'no-id', 'id'),
  messageCase('an unknown role', { role: 'admin' }, 'unknown-role', '', null),
  messageCase('no role', { role: undefined }, 'unknown-role', '', null),
  messageCase('an unknown status', { status: 'done' }, 'unknown-status', 'status'),
  messageCase('a foreign threadId', { threadId: randomUUID() }, 'foreign-thread-id', 'threadId'),
  messageCase('no content', { content: undefined }, 'content-is-no-text', '', null),
  messageCase('an empty content', { content: '' }, 'content-is-empty', 'status', ''),
  messageCase('NUL in a content', { content: 'a\0b' }, 'text-is-unstorable', 'content', 'a\uFFFDb'),
  messageCase('a lone surrogate', { content: 'a\uD800b' }, 'text-is-unstorable', 'content', 'a\uFFFDb'),
  messageCase('metadata that is a list', { metadata: [1] }, 'metadata-is-unreadable', 'metadata'),
  messageCase('metadata with NUL', { metadata: { a: '\0' } }, 'metadata-is-unreadable', 'metadata'),
  messageCase('a field that nobody knows', { stars: 5 }, 'unknown-field', 'other'),
  messageCase('a time that is text', { createdAt: '2025-05-11T21:46:40Z' }, 'time-is-text', 'createdAt'),
  messageCase('a time in seconds', { createdAt: legacyTime / 1_000 }, 'time-in-seconds', 'createdAt'),
  messageCase('a negative time', { createdAt: -1 }, 'time-is-negative', 'createdAt'),
  messageCase('no time', { createdAt: undefined }, 'time-is-missing', 'createdAt'),
  messageCase('a time that is an object', { createdAt: {} }, 'time-is-unreadable', 'createdAt'),
  messageCase('a time behind all times', { createdAt: 1e300 }, 'time-is-unreadable', 'createdAt'),
  messageCase('half a millisecond', { createdAt: legacyTime + 0.5 }, 'time-is-not-whole', 'createdAt'),
  {
    what: 'an id that stands twice',
    thread: {
      messages: around({ ...hello, id: idOf('an id that stands twice first') }, 'an id that stands twice'),
    },
    notes: ['messages.1.id: duplicate-id, kept'],
    contents: ['first', 'Hello', 'last'],
  },
  {
    what: 'a content of more than 1 MiB',
    thread: { messages: around({ ...hello, id: idOf('long'), content: 'é'.repeat(600_000) }, 'long') },
    notes: ['messages.1.content: content-too-long, kept'],
    contents: ['first', 'é'.repeat(524_288), 'last'],
  },
  {
    what: 'a title of more than 200 characters',
    thread: { title: 't'.repeat(201) },
    notes: ['title: text-too-long, kept'],
    contents: [],
  },
  {
    what: 'a title that is no UTF-8',
    thread: { title: Buffer.from([0x61, 0xff]) },
    notes: ['title: text-is-not-utf8, kept'],
    contents: [],
  },
  {
    what: 'metadata that is no JSON',
    thread: { metadata: '{' },
    notes: ['metadata: metadata-is-unreadable, kept'],
    contents: [],
  },
  {
    what: 'metadata that nests without end',
    thread: { metadata: `{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}` },
    notes: ['metadata: metadata-is-unreadable, kept'],
    contents: [],
  },
  {
    what: 'times of all kinds',
    thread: { created_at: 'yesterday', updated_at: -5 },
    notes: ['created_at: time-is-unreadable, kept', 'updated_at: time-is-negative, kept'],
    contents: [],
  },
  {
    what: 'a time that no number holds',
    thread: { created_at: 2n ** 62n, updated_at: legacyTime },
    notes: ['created_at: time-is-unreadable, kept'],
    contents: [],
  },
  {
    what: 'an id that another thread has',
    thread: {
      id: idOf('messages that are no JSON'),
      title: 't'.repeat(201),
      messages: JSON.stringify([{ ...hello, createdAt: -1 }, 'Hello']),
    },
    notes: [
      'id: duplicate-id, left_out',
      'messages.0.createdAt: time-is-negative, left_out',
      'messages.1: message-is-no-object, left_out',
      'title: text-too-long, left_out',
    ],
    contents: undefined,
  },
  { what: 'no id', thread: { id: null }, notes: ['id: no-id, kept'], contents: [] },
  {
    what: 'an id that is a book',
    thread: { id: randomBytes(9_000).toString('hex') },
    notes: ['id: no-id, kept'],
    contents: [],
  },
  { what: 'an id that is no UUID', thread: { id: 'thread-17' }, notes: [], contents: [] },
];

describeOnEachDatabase('a bad record', (database) => {
  it('of a thread goes to quarantine, says why, and keeps nothing else out', async () => {
    const threads = cases.map(({ what, thread }) => ({ id: idOf(what), ...thread }));
    await using store = await openTarget(await database.freshUrl());
    const report = await importFrom(store, [makeLegacyDatabase({ threads })]);
    const lines = await quarantineOf(store);
    const dump = await dumpTarget(store.provider);
    for (const [index, { what, notes }] of cases.entries()) {
      const found = lines.filter(({ rowid }) => rowid === String(index + 1));
      expect(
        found.map(({ place, reason, outcome }) => `${place}: ${reason}, ${outcome}`),
        what,
      ).to.deep.equal(notes);
      expect(
        found.every(({ raw }) => raw !== undefined),
        what,
      ).to.equal(true);
    }
    const known = cases.filter(({ thread, contents }) => thread.id === undefined && contents !== undefined);
    for (const { what, contents } of known) {
      const messages = await store.messages.findMany({ thread_id: idOf(what) }, { orderBy: 'seq' });
      expect(
        messages.map(({ content }) => content),
        what,
      ).to.deep.equal(contents);
      expect(
        messages.map(({ seq }) => seq),
        what,
      ).to.deep.equal(messages.map((_, at) => at + 1));
    }
    expect(dump['context_threads']).to.have.length(cases.length - 1);
    expect(report.proof.differences, report.proof.examples.join('; ')).to.equal(0);
    expect(report.quarantine.kept + report.quarantine.leftOut).to.equal(lines.length);
    const ids = (await reportOf(store)).filter(({ type }) => type === 'id');
    expect(ids.map(({ table, id }) => [table, id])).to.deep.equal([['context_threads', 'thread-17']]);
    // What is mended means what stood there.
    const times = await store.messages.findMany({ thread_id: idOf('a time in seconds') }, { orderBy: 'seq' });
    expect(times.map(({ createdAt }) => createdAt)).to.deep.equal([legacyTime, legacyTime, legacyTime]);
  });

  it('of a user goes to quarantine, and no secret stands there', async () => {
    const secrets = {
      key: `sk-${randomBytes(12).toString('hex')}`,
      token: `Token-${randomBytes(12).toString('hex')}`,
      broken: randomBytes(60).toString('base64'),
    };
    const provider = (providerId: string, more: object = {}) =>
      JSON.stringify({ google: { providerId, identity: 'Ada', updatedAt: legacyTime, ...more } });
    const users: UserCells[] = [
      {
        id: idOf('good'),
        email: 'Good@Example.org',
        auth_providers: provider('1', { refreshToken: secrets.token }),
      },
      {
        id: idOf('keys'),
        email: 'keys@example.org',
        api_keys: JSON.stringify({
          openai: { key: sealLegacy(secrets.key), createdAt: legacyTime, lastUsed: 'never' },
          anthropic: { key: secrets.broken, createdAt: legacyTime },
          [secrets.token]: { key: secrets.key },
        }),
      },
      { id: idOf('no email'), email: secrets.key.slice(0, 3), preferences: '{"theme":"dark"}' },
      {
        id: idOf('same email'),
        email: 'good@example.org',
        display_name: 'Grace',
        updated_at: legacyTime / 1_000,
        auth_providers: provider('2', { updatedAt: -1, other: 1 }),
        preferences: Buffer.from('{"theme":"\xff"}', 'latin1'),
      },
      {
        id: idOf('same account'),
        email: 'other@example.org',
        auth_providers: provider('1', { updatedAt: -1, other: 1, refreshToken: 7 }),
      },
      {
        id: idOf('broken'),
        email: 'broken@example.org',
        auth_providers: `{"google":"${secrets.token}`,
        api_keys: '[]',
      },
      {
        id: 'user-7',
        email: 'preferences@example.org',
        preferences: JSON.stringify({ theme: 'dark', 'not a name': 1, size: { px: 12 } }),
      },
    ];
    await using store = await openTarget(await database.freshUrl());
    const report = await importFrom(store, [makeLegacyDatabase({ users })]);
    const lines = await quarantineOf(store);
    expect(
      lines.map(({ rowid, place, reason, outcome }) => `${rowid} ${place}: ${reason}, ${outcome}`),
    ).to.deep.equal([
      '2 api_keys.#2: provider-is-unreadable, left_out',
      '2 api_keys.anthropic: key-does-not-open, left_out',
      '2 api_keys.openai.lastUsed: time-is-unreadable, kept',
      '3 email: email-is-unreadable, left_out',
      '3 preferences.theme: owner-is-left-out, left_out',
      '4 auth_providers.google: owner-is-left-out, left_out',
      '4 auth_providers.google: unknown-field, left_out',
      '4 auth_providers.google.updatedAt: time-is-negative, left_out',
      '4 email: duplicate-email, left_out',
      '4 preferences: text-is-not-utf8, left_out',
      '4 preferences.theme: owner-is-left-out, left_out',
      '4 updated_at: time-in-seconds, left_out',
      '5 auth_providers.google: duplicate-identity, left_out',
      '5 auth_providers.google: unknown-field, left_out',
      '5 auth_providers.google.refreshToken: secret-is-unreadable, left_out',
      '5 auth_providers.google.updatedAt: time-is-negative, left_out',
      '6 api_keys: json-is-no-object, left_out',
      '6 auth_providers: json-is-unreadable, left_out',
      '7 preferences.#1: preference-is-unreadable, left_out',
    ]);
    // Of who is left out nothing is lost but secrets.
    expect(lines.find(({ reason }) => reason === 'duplicate-email')!.raw).to.deep.equal({
      id: idOf('same email'),
      email: 'good@example.org',
      display_name: 'Grace',
      created_at: legacyTime,
      updated_at: legacyTime / 1_000,
    });
    const kept = JSON.stringify([await reportOf(store), await dumpTarget(store.provider)]);
    for (const secret of Object.values(secrets)) expect(kept.includes(secret)).to.equal(false);
    expect(report.proof.differences, report.proof.examples.join('; ')).to.equal(0);
    expect(report.proof.counts.users).to.deep.equal({ source: 7, leftOut: 2, target: 5 });

    const good = (await store.users.findByEmail('good@example.org'))!;
    const [identity] = await store.oauthIdentities.findMany({ user_id: good.id });
    const token = await store.oauthIdentities.revealRefreshToken(identity!.id);
    expect(token.reveal() === secrets.token).to.equal(true);
    const keys = (await store.users.findByEmail('keys@example.org'))!;
    expect((await store.apiKeys.reveal(keys.id, 'openai')).reveal() === secrets.key).to.equal(true);
    const last = (await store.users.findByEmail('preferences@example.org'))!;
    expect(
      (await store.preferences.findMany({ user_id: last.id })).map(({ name }) => name as string),
    ).to.have.members(['theme', 'size']);
  });
});

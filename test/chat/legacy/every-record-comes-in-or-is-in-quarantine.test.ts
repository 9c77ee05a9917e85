import type BetterSqlite3 from 'better-sqlite3';
import { expect } from 'chai';
import { legacyKinds } from '../../../src/chat/legacy/proof/prove-import.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { isSoak } from '../../support/engines.ts';
import { integerBetween, pickSeed, seededRandom, type Random } from '../../support/seeded-random.ts';
import { changeLegacyDatabase, unpackLegacyDatabase } from './legacy-files.ts';
import { importFrom, openTarget, quarantineOf } from './legacy-target.ts';

const rounds = isSoak ? 100 : 3;
const threads = 60;

const strange: readonly unknown[] = [
  null,
  true,
  -1,
  0.5,
  1e300,
  1_747_000_000,
  '',
  ' ',
  'x',
  '\0',
  '\uD800',
  '2025-05-11',
  '__proto__',
  [],
  {},
  [[]],
  { id: null },
  'x'.repeat(300),
];

function pick<Value>(random: Random, values: readonly Value[]): Value {
  return values[integerBetween(random, 0, values.length)]!;
}

/** Replaces something within a JSON value, takes it away or adds to it. */
function spoil(value: unknown, random: Random): unknown {
  if (typeof value !== 'object' || value === null || random() < 0.15) return pick(random, strange);
  if (Array.isArray(value)) {
    const at = integerBetween(random, 0, value.length + 1);
    const way = random();
    if (way < 0.15) return value.toSpliced(at, 1);
    if (way < 0.3) return value.toSpliced(at, 0, pick(random, strange));
    if (way < 0.45) return value.toSpliced(at, 0, pick(random, [...value, null]));
    return value.map((member: unknown, index) => (index === at ? spoil(member, random) : member));
  }
  const names = Object.keys(value);
  const name = pick(random, [...names, 'other']);
  const members = { ...value } as Record<string, unknown>;
  if (random() < 0.2) delete members[name];
  else members[name] = spoil(members[name], random);
  return members;
}

/** Changes bytes, cuts them off, or puts others between them. */
function garble(text: string, random: Random): Buffer | string {
  const bytes = Buffer.from(text);
  const at = integerBetween(random, 0, bytes.length + 1);
  const way = random();
  if (way < 0.25) return bytes.subarray(0, at);
  if (way < 0.5)
    return Buffer.concat([
      bytes.subarray(0, at),
      Buffer.from([integerBetween(random, 0, 256)]),
      bytes.subarray(at),
    ]);
  if (way < 0.75 && at < bytes.length) bytes[at] = integerBetween(random, 0, 256);
  // As text, also where it is none any more.
  return random() < 0.5 ? bytes : bytes.toString('latin1');
}

const columns = {
  context_threads: [
    'id',
    'title',
    'created_at',
    'updated_at',
    'metadata',
    'messages',
    'messages',
    'messages',
  ],
  users: [
    'email',
    'display_name',
    'created_at',
    'updated_at',
    'auth_providers',
    'auth_providers',
    'api_keys',
    'api_keys',
    'preferences',
  ],
} as const;

function corrupt(database: BetterSqlite3.Database, random: Random): void {
  for (const table of ['context_threads', 'users'] as const) {
    const rows = database.prepare(`select rowid, * from ${table}`).all() as Record<string, unknown>[];
    for (const row of rows) {
      if (random() < 0.4) continue;
      const column = pick(random, columns[table]);
      const text = typeof row[column] === 'string' ? row[column] : '{}';
      let cell: unknown;
      if (column.endsWith('_at'))
        cell = pick(random, [-1, 0.5, 'soon', '1747000000000', null, 2n ** 60n, 1_747_000_000]);
      else if (random() < 0.6 && /^[[{]/.test(text)) cell = JSON.stringify(spoil(JSON.parse(text), random));
      else cell = garble(text, random);
      // What the table's own constraints refuse the application could not have written.
      try {
        database.prepare(`update ${table} set ${column} = ? where rowid = ?`).run(cell, row['rowid']);
      } catch (error) {
        if (!(error instanceof Error && error.message.includes('constraint failed'))) throw error;
      }
    }
  }
}

/** What there is in the legacy database, counted by the test itself. */
function countSource(database: BetterSqlite3.Database) {
  const texts = database.prepare('select cast(messages as text) as messages from context_threads').all() as {
    messages: string | null;
  }[];
  const parsed = texts.map(({ messages }) => {
    try {
      return JSON.parse(messages ?? '') as unknown;
    } catch {
      return undefined;
    }
  });
  const messages = parsed.flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : []));
  return {
    threads: texts.length,
    users: (database.prepare('select count(*) as count from users').get() as { count: number }).count,
    messages: messages.length,
    contents: messages.map((message) => (message as { content?: unknown } | null)?.content),
  };
}

for (const name of ['sqlite-memory', 'postgres'] as const) {
  describeOnDatabase(name, 'of a spoilt database', (database) => {
    it('every record comes in or is in quarantine, and nothing is invented', async function () {
      this.timeout(1_800_000);
      const seed = pickSeed();
      const random = seededRandom(seed);
      const sums = { kept: 0, leftOut: 0, messages: 0 };
      for (let round = 0; round < rounds; round += 1) {
        const why = `seed ${seed}, round ${round}`;
        const file = unpackLegacyDatabase(threads);
        let source = { threads: 0, users: 0, messages: 0, contents: [] as unknown[] };
        changeLegacyDatabase(file, (legacy) => {
          corrupt(legacy, random);
          source = countSource(legacy);
        });
        await using store = await openTarget(await database.freshUrl());
        const { proof, quarantine } = await importFrom(store, [file], { withoutKeys: true });
        expect(proof.differences, `${why}: ${proof.examples.join('; ')}`).to.equal(0);
        const { users, context_threads, messages } = proof.counts;
        expect([users.source, context_threads.source, messages.source], why).to.deep.equal([
          source.users,
          source.threads,
          source.messages,
        ]);
        for (const kind of legacyKinds) {
          const { source: all, leftOut, target } = proof.counts[kind];
          expect(target + leftOut, `${why}, ${kind}`).to.equal(all);
        }
        const lines = await quarantineOf(store);
        expect(quarantine.kept + quarantine.leftOut, why).to.equal(lines.length);
        expect(await store.messages.count({}), why).to.equal(messages.target);
        // Each content stood there, or what stood there is in the quarantine.
        const known = new Set(source.contents);
        const mended = new Set(
          lines.filter(({ place }) => place.endsWith('.content')).map(({ rowid }) => rowid),
        );
        let strangers = 0;
        for (const { content } of await store.messages.findMany({})) if (!known.has(content)) strangers += 1;
        expect(strangers === 0 || mended.size > 0, why).to.equal(true);
        for (const { place, raw } of lines) {
          if (/^(?:auth_providers|api_keys)/.test(place)) expect(raw, why).to.equal(null);
        }
        sums.kept += quarantine.kept;
        sums.leftOut += quarantine.leftOut;
        sums.messages += messages.target;
      }
      expect(sums.kept).to.be.greaterThan(10);
      expect(sums.leftOut).to.be.greaterThan(10);
      console.log(
        `  ${rounds} spoilt databases: ${sums.messages} messages came in, ${sums.kept} things were mended, ${sums.leftOut} left out`,
      );
    });
  });
}

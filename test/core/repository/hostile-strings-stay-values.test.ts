// Security check: C18.
import { expect } from 'chai';
import { ValidationError } from '../../../src/core/foundation/errors/validation-error.ts';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { databaseSeed, sharedCount } from '../../support/engines.ts';
import { integerBetween, seededRandom } from '../../support/seeded-random.ts';
import {
  createThingRepository,
  makeThing,
  openThings,
  type Tables,
  type Thing,
  type ThingRepository,
} from './things.ts';

const fragments = [
  "'",
  "''",
  '"',
  '""',
  '`',
  '\\',
  "\\'",
  '$$',
  '$1',
  '?',
  ';',
  '--',
  '/*',
  '*/',
  '#',
  '(',
  ')',
  '%',
  '_',
  '[',
  ']',
  '{',
  '}',
  ' or 1=1',
  ' union select ',
  'select * from things',
  '; drop table things',
  "'; delete from things; --",
  ' as name',
  'name',
  'things.name',
  'name desc',
  ' nulls first',
  ' collate "C"',
  '::text',
  'pg_sleep(9)',
  'randomblob(1e9)',
  "load_extension('x')",
  "attach database 'x' as y",
  'pragma writable_schema=1',
  'copy things to program',
  "lo_import('x')",
  '$.a',
  '->>',
  '@@',
  '"a"."b"',
  'and',
  'or',
  'not',
  'eq',
  '__proto__',
  'constructor',
  'toString',
  'NEAR(',
  'a*',
  '^a',
  'a:b',
  '\n',
  '\r',
  '\t',
  '\u0008',
  '\u001b[2J',
  '\u202e',
  '\u00a0',
  '\uff07',
  'ʼ',
  '😀',
  '\0',
  '\ud800',
  'é',
  'A'.repeat(300),
];

function hostileStrings(count: number, seed: number): string[] {
  const random = seededRandom(seed);
  const pick = () => fragments[integerBetween(random, 0, fragments.length)]!;
  return Array.from({ length: count }, (_, index) =>
    index < fragments.length
      ? fragments[index]!
      : Array.from({ length: integerBetween(random, 2, 6) }, pick).join(''),
  );
}

/** What a call comes to: its value, or that it was refused before it was sent. Anything else is thrown. */
async function outcomeOf<Value>(call: () => Promise<Value>): Promise<Value | 'refused'> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof ValidationError) return 'refused';
    throw error;
  }
}

const columnNames = new Set(Object.keys(makeThing()));
const isStorable = (text: string) => text.isWellFormed() && !text.includes('\0');

describeOnEachDatabase('hostile strings stay values', (database) => {
  let provider: DatabaseProvider<Tables>;
  let things: ThingRepository;
  let canary: Thing;

  before(async () => {
    provider = await openThings(database);
    things = createThingRepository(provider);
    canary = await things.insert(makeThing({ name: 'canary', label: 'secret', data: '{"a":"x"}' }));
  });

  after(() => provider.close());

  const count = sharedCount(20_000);
  const strings = hostileStrings(count, databaseSeed(6, database.name));

  it(`in every position of a call, ${count} of them`, async function () {
    this.timeout(600_000);
    for (const text of strings) {
      const storable = isStorable(text);
      const said = JSON.stringify(text);
      const find = (filter: object, options: object = {}) =>
        outcomeOf(async () => (await things.findMany(filter as never, options as never)).length);
      // As a value it equals nothing that is there, and comes back as it went in.
      expect(await find({ name: text }), said).to.equal(storable ? Number(text === 'canary') : 'refused');
      expect(await find({ name: { in: [text] } }), said).to.equal(storable ? 0 : 'refused');
      expect(await find({ label: { contains: `${text}!` } }), said).to.equal(storable ? 0 : 'refused');
      expect(await find({ name: { like: text.replaceAll(/[\\%_]/gu, '\\$&') } }), said).to.equal(
        storable ? 0 : 'refused',
      );
      expect(await find({ data: { path: [text, 0], eq: text } }), said).to.equal(storable ? 0 : 'refused');
      expect(await find({ data: { path: ['a'], eq: text } }), said).to.equal(storable ? 0 : 'refused');
      if (storable) {
        const stored = await things.insert(makeThing({ name: text, data: JSON.stringify({ [text]: text }) }));
        expect(stored.name, said).to.equal(text);
        expect(await find({ id: stored.id, data: { path: [text], eq: text } }), said).to.equal(1);
        await things.delete(stored);
      }
      // As a name it is a column of the table, or refused.
      const isColumn = columnNames.has(text);
      if (!isColumn) expect(await find({ [text]: 1 }), said).to.equal('refused');
      expect(await find({ name: { [text]: 'a' } }), said).to.equal(text === 'eq' ? 0 : 'refused');
      expect(await find({}, { orderBy: text }), said).to.equal(
        isColumn || text === 'name desc' ? 1 : 'refused',
      );
      expect(await find({}, { orderBy: `name ${text}` }), said).to.equal('refused');
      expect(await find({}, { select: [text] }), said).to.equal(isColumn ? 1 : 'refused');
      expect(await find({}, { limit: text }), said).to.equal('refused');
      expect(await outcomeOf(() => things.findById(text as never)), said).to.equal('refused');
      expect(await outcomeOf(() => things.page({}, { after: text })), said).to.equal('refused');
      if (!isColumn)
        expect(await outcomeOf(() => things.upsert(canary, { conflict: [text] as never })), said).to.equal(
          'refused',
        );
    }
    expect(await things.findMany({})).to.deep.equal([canary]);
    expect(({} as Record<string, unknown>)['a']).to.equal(undefined);
  });

  // What earlier versions of the query builder let through.
  it('a path into JSON is not left by a quote in it', async () => {
    for (const path of [
      ["a' or '1'='1"],
      ['a"."b'],
      ['a")) or true --'],
      ["a'||(select label from things)||'"],
      ['\\"', "'"],
    ]) {
      expect(await things.count({ data: { path, eq: 'x' } })).to.equal(0);
      const value = path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), 'x');
      const made = await things.insert(makeThing({ data: JSON.stringify(value) }));
      expect(await things.findMany({ data: { path, eq: 'x' } })).to.deep.equal([made]);
      await things.delete(made);
    }
  });

  it('a path segment that is a number in disguise, or none, is refused', async () => {
    for (const segment of [{ toString: () => '0] or 1=1' }, ['a'], 1.5, -1, Infinity, null]) {
      expect(await outcomeOf(() => things.count({ data: { path: [segment], eq: 'x' } } as never))).to.equal(
        'refused',
      );
    }
  });

  it('a backslash in front of a quote ends no text', async () => {
    for (const text of ["\\' or 1=1 --", "\\\\' or 1=1 --", "\\'"]) {
      expect(await things.count({ name: text })).to.equal(0);
      expect(await things.count({ data: { path: [text], eq: text } })).to.equal(0);
    }
  });
});

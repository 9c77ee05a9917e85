import { expect } from 'chai';
import { ValidationError } from '../../../src/core/foundation/errors/validation-error.ts';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { StatementCounter } from './statement-counter.ts';
import { createThingRepository, makeThing, openThings, type Tables, type ThingRepository } from './things.ts';

/** `[, value]`: a list whose first place was never filled. */
function withHole(value: unknown): unknown[] {
  const list: unknown[] = [];
  list[1] = value;
  return list;
}

async function faultsOf(work: () => Promise<unknown>): Promise<Record<string, string>> {
  try {
    await work();
  } catch (error) {
    expect(error).to.be.instanceOf(ValidationError);
    const { issues } = error as ValidationError;
    return Object.fromEntries(issues.map(({ path, message }) => [path.join('.'), message]));
  }
  throw new Error('No fault was found.');
}

describeOnEachDatabase('faults of a call are listed before anything is sent', (database) => {
  const statements = new StatementCounter();
  let provider: DatabaseProvider<Tables>;
  let things: ThingRepository;
  // The language is typed; here it is used as by somebody without types.
  const find = (filter: unknown, options?: object) =>
    faultsOf(() => things.findMany(filter as never, options as never));
  const page = (options: object) => faultsOf(() => things.page({}, options));

  before(async () => {
    provider = await openThings(database, { onStatement: statements.onStatement });
    things = createThingRepository(provider);
    await things.insertMany([makeThing(), makeThing(), makeThing()]);
  });

  beforeEach(() => {
    statements.count = 0;
  });

  afterEach(() => {
    expect(statements.count, 'statements sent').to.equal(0);
  });

  after(() => provider.close());

  it('all at once, each with its path', async () => {
    const filter = {
      nme: 1,
      id: 'no-uuid',
      score: { gt: 1.5, approx: 2 },
      or: [{ name: 7 }, { missing: 1 }, 'x'],
      not: { label: { like: 'a\\' } },
      data: { path: [], eq: 1 },
    };
    const faults = await find(filter, {
      orderBy: ['score', 'score desc', 'data', 'bytes', 'what desc', 7],
      limit: -1,
      select: ['id', 'id', 'secret'],
    });
    const paths = [
      'filter.nme filter.id filter.score.gt filter.score.approx filter.or.0.name filter.or.1.missing filter.or.2',
      'filter.not.label.like filter.data.path',
      'orderBy.1 orderBy.2 orderBy.3 orderBy.4 orderBy.5 limit select.2 select',
    ];
    expect(Object.keys(faults)).to.have.members(paths.join(' ').split(' '));
    expect(faults['filter.nme']).to.include('no column of table "things"');
  });

  const values: readonly [title: string, filter: unknown, path: string][] = [
    ['an undefined value, which would widen the question', { name: undefined }, 'filter.name'],
    ['an undefined operand', { name: { eq: undefined } }, 'filter.name.eq'],
    ['an undefined filter', undefined, 'filter'],
    ['a filter that is null', null, 'filter'],
    ['a list as a filter', [], 'filter'],
    ['an instance as a filter', new Date(0), 'filter'],
    ['no operator at all', { name: {} }, 'filter.name'],
    ['a list as a value', { name: ['a'] }, 'filter.name'],
    ['a hole in a list of filters', { and: withHole({}) }, 'filter.and.0'],
    ['a hole in a list of values', { score: { in: withHole(1) } }, 'filter.score.in.0'],
    ['a list that is none', { score: { in: 'a' } }, 'filter.score.in'],
    ['too long a list', { score: { in: Array.from({ length: 100_001 }, () => 1) } }, 'filter.score.in'],
    ['text with NUL', { name: 'a\0b' }, 'filter.name'],
    ['a lone surrogate', { name: { contains: '\ud800' } }, 'filter.name.contains'],
    ['an unsafe integer', { score: 2 ** 53 }, 'filter.score'],
    ['a fraction of an integer', { score: { in: [1, 1.5] } }, 'filter.score.in.1'],
    ['a bigint', { score: 1n }, 'filter.score'],
    ['NaN', { weight: Number.NaN }, 'filter.weight'],
    ['infinity', { weight: { lt: Infinity } }, 'filter.weight.lt'],
    ['a number spelled as text', { score: '1' }, 'filter.score'],
    ['null where there is no order', { rank: { gt: null } }, 'filter.rank.gt'],
    ['a pattern for an id', { id: { like: '%' } }, 'filter.id.like'],
    ['an order of bytes', { bytes: { lt: new Uint8Array(1) } }, 'filter.bytes.lt'],
    ['too long a pattern', { name: { like: 'a'.repeat(10_001) } }, 'filter.name.like'],
    ['a pattern with a lone backslash at its end', { name: { like: 'a\\\\\\' } }, 'filter.name.like'],
    ['isNull without a boolean', { label: { isNull: 1 } }, 'filter.label.isNull'],
    ['JSON without a path', { data: { eq: 1 } }, 'filter.data'],
    ['JSON compared as a whole', { data: '{}' }, 'filter.data'],
    ['no path at all', { data: [] }, 'filter.data'],
    ['lists of lists of paths', { data: [[{ path: ['a'], eq: 1 }]] }, 'filter.data.0'],
    ['a path without an operator', { data: { path: ['a'] } }, 'filter.data'],
    ['a negative index', { data: { path: ['a', -1], eq: 1 } }, 'filter.data.path'],
    ['a path with a hole', { data: { path: withHole('a'), eq: 1 } }, 'filter.data.path'],
    ['an unknown operator on a path', { data: { path: ['a'], near: 1 } }, 'filter.data.near'],
    ['an order of booleans', { data: { path: ['a'], gt: true } }, 'filter.data.gt'],
    ['an object as an operand', { data: { path: ['a'], eq: {} } }, 'filter.data.eq'],
    ['a column of another object', JSON.parse('{"__proto__": 1}'), 'filter.__proto__'],
    ['a method of objects', { constructor: 1 }, 'filter.constructor'],
  ];
  for (const [title, filter, path] of values) {
    it(`such as ${title}`, async () => {
      expect(Object.keys(await find(filter))).to.deep.equal([path]);
    });
  }

  it('such as nesting that is too deep, also without end', async () => {
    let nested: object = {};
    for (let depth = 0; depth < 51; depth += 1) nested = { not: nested };
    expect(Object.values(await find(nested))).to.deep.equal(['must not nest deeper than 50']);
    const endless: { and: object[] } = { and: [] };
    endless.and.push(endless);
    expect(Object.values(await find(endless))).to.deep.equal(['must not nest deeper than 50']);
  });

  it('but no more than a hundred of them', async () => {
    const faults = await find({ score: { in: Array.from({ length: 5_000 }, () => 'x') } });
    expect(Object.keys(faults)).to.have.length(101);
    expect(faults['']).to.equal('and 4900 faults more');
  });

  it('such as too many conditions', async () => {
    const many = Array.from({ length: 1_001 }, () => ({ score: 1 }));
    expect(Object.values(await find({ or: many }))).to.deep.equal(['must have at most 1000 conditions']);
  });

  for (const limit of [-1, 0.5, 1e9, Number.NaN, Infinity, '10', null]) {
    it(`such as limit ${JSON.stringify(limit)}`, async () => {
      expect(await find({}, { limit })).to.have.keys('limit');
      expect(await page({ limit })).to.have.keys('limit');
    });
  }

  it('such as limits beyond the range of each method', async () => {
    expect(await find({}, { limit: 100_001 })).to.have.keys('limit');
    expect(await page({ limit: 1_001 })).to.have.keys('limit');
    for (const chunkSize of [0, -1, 1.5, 10_001]) {
      expect(await faultsOf(async () => things.stream({}, { chunkSize }).next())).to.have.keys('chunkSize');
    }
  });

  for (const select of [[], ['what'], ['id', 'id'], 'id', [undefined]]) {
    it(`such as the selection ${JSON.stringify(select)}`, async () => {
      expect(Object.keys(await find({}, { select }))[0]).to.match(/^select/);
    });
  }

  it('such as a key that is none, without repeating it', async () => {
    for (const key of ['geheim', '', null, undefined, 7, {}]) {
      const faults = await faultsOf(() => things.findById(key as never));
      expect(faults).to.have.keys('key');
      expect(faults['key']).not.to.include('geheim');
    }
  });

  it('such as a conflict that names no columns, unknown ones, or one twice', async () => {
    for (const conflict of [[], ['what'], ['id', 'id']]) {
      const faults = await faultsOf(() => things.upsert(makeThing(), { conflict: conflict as never }));
      expect(faults).to.have.keys('conflict');
    }
  });

  it('such as those of many rows, each behind its place', async () => {
    const rows = [makeThing(), makeThing({ name: 'x\0', score: 0.5 }), makeThing(), makeThing({ data: '{' })];
    expect(Object.keys(await faultsOf(() => things.insertMany(rows)))).to.deep.equal([
      '1.name',
      '1.score',
      '3.data',
    ]);
  });

  it('such as a handle that is none: the provider itself', async () => {
    const on = provider as never;
    expect(await faultsOf(() => things.findById(crypto.randomUUID(), { on }))).to.have.keys('on');
    expect(await faultsOf(() => things.insertMany([makeThing()], { on }))).to.have.keys('on');
    expect(await faultsOf(async () => things.stream({}, { on }).next())).to.have.keys('on');
  });

  it('while limit 0 is no fault: nothing comes', async () => {
    expect(await things.findMany({}, { limit: 0 })).to.deep.equal([]);
    expect(await things.page({}, { limit: 0 })).to.deep.equal({
      items: [],
      nextCursor: undefined,
      previousCursor: undefined,
    });
    expect(await things.insertMany([])).to.equal(0);
  });
});

describeOnEachDatabase('a cursor is only taken as it was given out', (database) => {
  let provider: DatabaseProvider<Tables>;
  let things: ThingRepository;
  let cursor: string;
  const orderBy = ['score desc', 'name'] as const;

  before(async () => {
    provider = await openThings(database);
    things = createThingRepository(provider);
    await things.insertMany([makeThing(), makeThing(), makeThing()]);
    cursor = (await things.page({}, { orderBy, limit: 1 })).nextCursor!;
  });

  after(() => provider.close());

  const change = (edit: (content: unknown[]) => unknown): string =>
    Buffer.from(JSON.stringify(edit(JSON.parse(Buffer.from(cursor, 'base64url').toString())))).toString(
      'base64url',
    );

  const damaged: Record<string, () => string> = {
    nothing: () => '',
    'a cut end': () => cursor.slice(0, -1),
    'letters that are none of the alphabet': () => `${cursor}!`,
    'the other base64': () =>
      Buffer.from(Buffer.from(cursor, 'base64url').toString()).toString('base64') + '==',
    'no JSON': () => Buffer.from('[').toString('base64url'),
    'no list': () => change((content) => Object.assign({}, content)),
    'another signature': () => change(([, ...rest]) => ['x', ...rest]),
    'a side that there is not': () => change(([signature, , ...rest]) => [signature, 2, ...rest]),
    'a value too few': () => change((content) => content.slice(0, -1)),
    'a value too many': () => change((content) => [...content, 1]),
    'an id that is none': () => change((content) => [...content.slice(0, -1), 'x']),
    'NULL in a column that has none': () => change(([a, b, , d, e]) => [a, b, null, d, e]),
    'an object for a value': () => change(([a, b, , d, e]) => [a, b, {}, d, e]),
    'an unsafe integer': () => change(([a, b, , d, e]) => [a, b, 2 ** 60, d, e]),
    'text with NUL': () => change(([a, b, c, , e]) => [a, b, c, '\0', e]),
  };
  for (const [title, make] of Object.entries(damaged)) {
    it(`not with ${title}`, async () => {
      const faults = await faultsOf(() => things.page({}, { orderBy, after: make() }));
      expect(faults).to.have.keys('after');
      expect(await faultsOf(() => things.page({}, { orderBy, before: make() }))).to.have.keys('before');
    });
  }

  it('not for another order', async () => {
    for (const other of [['score', 'name'], ['score desc'], ['name', 'score desc'], []] as const) {
      const faults = await faultsOf(() => things.page({}, { orderBy: other, after: cursor }));
      expect(faults).to.have.keys('after');
    }
  });

  it('not on both sides at once', async () => {
    const faults = await faultsOf(() => things.page({}, { orderBy, after: cursor, before: cursor }));
    expect(faults).to.have.keys('before');
  });

  it('not when it is null, which is no cursor and no beginning', async () => {
    expect(await faultsOf(() => things.page({}, { orderBy, after: null as never }))).to.have.keys('after');
  });

  it('but as it was', async () => {
    expect((await things.page({}, { orderBy, after: cursor })).items).to.have.length(2);
  });
});

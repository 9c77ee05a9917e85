// Security check: C19.
import { expect } from 'chai';
import fc from 'fast-check';
import { ValidationError } from '../../../src/core/foundation/errors/validation-error.ts';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import type { ListRules } from '../../../src/core/security/list-rules.ts';
import { parseListQuery } from '../../../src/core/security/parse-list-query.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import {
  createThingRepository,
  makeThing,
  openThings,
  thingColumns,
  type Tables,
  type ThingRepository,
  type ThingsTable,
} from '../repository/things.ts';

const rules: ListRules<ThingsTable, 'id' | 'name', 'name' | 'score' | 'weight' | 'owner'> = {
  sort: ['name', 'score'],
  select: ['id', 'name'],
  filter: {
    name: { kind: 'text', operators: ['eq', 'contains', 'in'] },
    score: { kind: 'integer', operators: ['eq', 'gte', 'lt'] },
    weight: { kind: 'real', operators: ['lt'] },
    owner: { kind: 'uuid', operators: ['isNull'] },
  },
  maxLimit: 20,
};
const hidden = Object.keys(thingColumns).filter((name) => !['id', 'name', 'score'].includes(name));

function faultsOf(input: unknown): string[] {
  try {
    parseListQuery(rules, input);
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    return error.issues.map(({ path }) => path.join('.'));
  }
  return [];
}

describe('what a list is asked for from outside goes through an allow-list', () => {
  it('from a URL and from an object alike', () => {
    const text =
      'sort=-score,name&select=name&filter[name][contains]=a&filter[score][gte]=5&filter[weight][lt]=0.5&filter[owner][isNull]=true&limit=7&after=abc';
    const fromUrl = parseListQuery(rules, new URLSearchParams(text));
    expect(fromUrl).to.deep.equal({
      filter: {
        name: { contains: 'a' },
        score: { gte: 5 },
        weight: { lt: 0.5 },
        owner: { isNull: true },
      },
      find: { orderBy: ['score desc', 'name'], limit: 7 },
      page: { orderBy: ['score desc', 'name'], limit: 7, after: 'abc' },
      select: ['name'],
    });
    const object = {
      sort: ['score desc', 'name'],
      select: ['name'],
      filter: { name: { contains: 'a' }, score: { gte: 5 }, weight: { lt: 0.5 }, owner: { isNull: true } },
      limit: 7,
      after: 'abc',
    };
    expect(parseListQuery(rules, object)).to.deep.equal(fromUrl);
    expect(parseListQuery(rules, Object.fromEntries(new URLSearchParams(text)))).to.deep.equal(fromUrl);
  });

  it('with a list for `in`, and with what may be read where nothing is said', () => {
    const { filter } = parseListQuery(rules, new URLSearchParams('filter[name][in]=a&filter[name][in]=b,c'));
    expect(filter).to.deep.equal({ name: { in: ['a', 'b,c'] } });
    expect(parseListQuery(rules, {})).to.deep.equal({
      filter: {},
      find: { limit: 20 },
      page: { limit: 20 },
      select: ['id', 'name'],
    });
    expect(parseListQuery<ThingsTable>({}, {}).select).to.deep.equal([]);
  });

  it('and every fault is told at once', () => {
    const input = {
      sort: 'owner',
      select: 'id,data,id',
      filter: { owner: 'x', name: { like: '%' }, score: { gte: 'five' }, data: { path: [] } },
      limit: '21',
      after: 'a',
      before: 'b',
      password: 'x',
    };
    expect(faultsOf(input)).to.have.members([
      'sort.0',
      'select.1',
      'select.2',
      'filter.owner.eq',
      'filter.name.like',
      'filter.score.gte',
      'filter.data',
      'limit',
      'before',
      'password',
    ]);
  });

  const hostile: readonly [string, unknown][] = [
    ['no object', null],
    ['a list', ['sort']],
    ['text', 'sort=name'],
    ['an own __proto__', JSON.parse('{"__proto__":{"limit":1}}')],
    ['a filter by __proto__', JSON.parse('{"filter":{"__proto__":{"eq":1}}}')],
    ['a filter by constructor', { filter: { constructor: 'x' } }],
    ['an operator of the prototype', { filter: { name: { toString: 'x' } } }],
    ['and, or, not', { filter: { or: [{ score: 1 }] } }],
    ['a NUL', { filter: { name: 'a\0b' } }],
    ['a lone surrogate', { filter: { name: '\ud800' } }],
    ['a huge value', { filter: { name: 'a'.repeat(10_001) } }],
    ['a huge name', { ['a'.repeat(1_000_000)]: 'x' }],
    ['too many names', Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`a${index}`, 1]))],
    ['a list where one is meant', { filter: { name: ['a', 'b'] } }],
    ['an object where one is meant', { filter: { name: { eq: { a: 1 } } } }],
    ['a number in hex', { filter: { score: '0x10' } }],
    ['an empty number', { filter: { score: '' } }],
    ['a number too large', { filter: { score: '9007199254740993' } }],
    ['a fraction as integer', { filter: { score: 1.5 } }],
    ['an infinite number', { filter: { weight: { lt: Infinity } } }],
    ['a flag that is none', { filter: { owner: { isNull: 'yes' } } }],
    ['a limit that is none', { limit: '1e1' }],
    ['a negative limit', { limit: -1 }],
    ['two limits', new URLSearchParams('limit=1&limit=2')],
    ['a cursor that is none', { after: "x' or 1=1" }],
    ['a huge cursor', { after: 'a'.repeat(4_001) }],
    ['a sort with more', { sort: 'name desc nulls first' }],
    ['a sort twice', { sort: 'name,-name' }],
    ['an empty sort', { sort: '' }],
    ['two forms of one condition', { filter: { name: { eq: 'a' } }, 'filter[name]': 'b' }],
  ];
  for (const [what, input] of hostile) {
    it(`${what} is a fault that repeats nothing`, () => {
      expect(faultsOf(input)).not.to.deep.equal([]);
      try {
        parseListQuery(rules, input);
      } catch (error) {
        expect(JSON.stringify(error)).to.have.length.below(20_000);
      }
    });
  }

  it('rules that are none are a fault', () => {
    expect(() => parseListQuery({ maxLimit: 0 }, {})).to.throw(ValidationError);
    expect(() => parseListQuery({ maxLimit: 10, defaultLimit: 11 }, {})).to.throw(ValidationError);
  });
});

describeOnEachDatabase('a hidden column can be neither read, sorted nor filtered by', (database) => {
  let provider: DatabaseProvider<Tables>;
  let things: ThingRepository;

  before(async () => {
    provider = await openThings(database);
    things = createThingRepository(provider);
    await things.insertMany([makeThing({ label: 'hidden', score: 1 }), makeThing({ score: 2 })]);
  });

  after(() => provider.close());

  const names = fc.constantFrom(
    ...Object.keys(thingColumns),
    'things.label',
    'label as name',
    '__proto__',
    '*',
  );
  const inputs = fc.record(
    {
      sort: fc.oneof(
        names,
        fc.array(names, { maxLength: 3 }),
        names.map((name) => `-${name}`),
      ),
      select: fc.oneof(names, fc.array(names, { maxLength: 3 })),
      filter: fc.dictionary(
        names,
        fc.oneof(fc.string(), fc.integer(), fc.dictionary(fc.string(), fc.string())),
      ),
      limit: fc.oneof(fc.integer(), fc.string()),
    },
    { requiredKeys: [] },
  );

  it('whatever is asked', async () => {
    const property = fc.asyncProperty(inputs, async (input) => {
      let query;
      try {
        query = parseListQuery(rules, input);
      } catch (error) {
        if (error instanceof ValidationError) return;
        throw error;
      }
      const { filter, find, page, select } = query;
      const asked = JSON.stringify([find, Object.keys(filter).filter((name) => !(name in rules.filter!))]);
      for (const name of hidden) expect(asked).not.to.contain(name);
      for (const row of await things.findMany(filter, { ...find, select })) {
        for (const name of Object.keys(row)) expect(['id', 'name']).to.contain(name);
      }
      await things.page(filter, page);
    });
    await fc.assert(property, { numRuns: soakCount(2_000) });
  });
});

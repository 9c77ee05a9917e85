/** C29: what comes from outside has an end. Each limit is tried at its edge: the last that is taken, the first that is not. */
import { expect } from 'chai';
import { encodeJson, ValidationError, type DatabaseProvider } from '../../../src/core/index.ts';
import { parseChanges, parseListQuery, type ListRules } from '../../../src/core/security/index.ts';
import { readCompactToken } from '../../../src/core/security/tokens/compact-token.ts';
import { readStrictJson } from '../../../src/core/security/tokens/strict-json.ts';
import { checkMessage } from '../../../src/core/outbox/new-message.ts';
import { checkIdempotencyKey } from '../../../src/core/transaction/saga/saga-runner-options.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import {
  createThingRepository,
  makeThing,
  openThings,
  type Tables,
  type ThingRepository,
  type ThingsTable,
} from '../repository/things.ts';

type Outcome = 'taken' | 'refused';

async function outcomeOf(work: () => unknown): Promise<Outcome> {
  try {
    await work();
  } catch (error) {
    if (error instanceof ValidationError) return 'refused';
    throw error;
  }
  return 'taken';
}

const times = <Value>(count: number, make: (index: number) => Value): Value[] =>
  Array.from({ length: count }, (_, index) => make(index));

function nest(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}

/** A limit: how much is taken, and what asks for so much. */
type Limits = Readonly<Record<string, readonly [limit: number, ask: (amount: number) => unknown]>>;

async function expectEdges(limits: Limits): Promise<void> {
  for (const [name, [limit, ask]] of Object.entries(limits)) {
    expect(await outcomeOf(() => ask(limit)), `${limit} ${name}`).to.equal('taken');
    expect(await outcomeOf(() => ask(limit + 1)), `${limit + 1} ${name}`).to.equal('refused');
  }
}

describeOnEachDatabase('every limit of a repository holds at its edge (C29)', (database) => {
  let provider: DatabaseProvider<Tables>;
  let things: ThingRepository;

  before(async () => {
    provider = await openThings(database);
    things = createThingRepository(provider);
    await things.insert(makeThing({ data: '{"a":1}' }));
  });
  after(() => provider.close());

  it('rows, lists, patterns, conditions and depths', async () => {
    const count = (filter: unknown) => things.count(filter as never);
    await expectEdges({
      'rows of findMany': [100_000, (limit) => things.findMany({}, { limit })],
      'rows of a page': [1_000, (limit) => things.page({}, { limit })],
      'rows of a chunk': [10_000, (chunkSize) => things.stream({}, { chunkSize }).next()],
      'values of a list': [100_000, (length) => count({ score: { in: times(length, (index) => index) } })],
      'texts of a list': [
        100_000,
        (length) => count({ name: { in: times(length, (index) => `n${index}`) } }),
      ],
      'fractions of a list': [
        10_000,
        (length) => count({ weight: { in: times(length, (index) => index + 0.5) } }),
      ],
      'characters of a pattern': [10_000, (length) => count({ name: { like: 'a'.repeat(length) } })],
      conditions: [1_000, (length) => count({ or: times(length, () => ({})) })],
      'levels of a filter': [
        50,
        (depth) => count(times(depth, () => 0).reduce<object>((inner) => ({ not: inner }), {})),
      ],
      'steps of a path': [50, (length) => count({ data: { path: times(length, () => 'a'), eq: 1 } })],
      'the place in a list of JSON': [
        2_147_483_647,
        (place) => count({ data: { path: ['a', place], eq: 1 } }),
      ],
      'levels of JSON': [1_000, (depth) => things.insert(makeThing({ data: JSON.stringify(nest(depth)) }))],
    });
  });

  it('the parameters of one statement are never too many: rows go by several', async () => {
    const most = database.name === 'postgres' ? 65_535 : 32_766;
    const columns = Object.keys(makeThing()).length;
    const rows = times(Math.ceil(most / columns) + 1, () => makeThing());
    expect(await things.insertMany(rows)).to.equal(rows.length);
  }).timeout(60_000);
});

describe('every limit at the border holds at its edge (C29)', () => {
  const rules: ListRules<ThingsTable, 'id', 'name' | 'score'> = {
    sort: ['name'],
    select: ['id'],
    filter: {
      name: { kind: 'text', operators: ['eq', 'in'] },
      score: { kind: 'integer', operators: ['gte'] },
    },
    maxLimit: 1_000,
  };
  const list = (input: unknown) => parseListQuery(rules, input);

  it('what a list is asked for', () =>
    expectEdges({
      rows: [1_000, (limit) => list({ limit })],
      'rows, by the rules': [
        1_000,
        (maxLimit) => parseListQuery<ThingsTable, 'id', 'name' | 'score'>({ ...rules, maxLimit }, {}),
      ],
      values: [100, (length) => list({ filter: { name: { in: times(length, (index) => `n${index}`) } } })],
      'characters of a value': [10_000, (length) => list({ filter: { name: 'a'.repeat(length) } })],
      'characters of a cursor': [4_000, (length) => list({ after: 'a'.repeat(length) })],
    }));

  it('the entries of a URL', () => {
    const issuesOf = (count: number): readonly string[] => {
      try {
        list(
          new URLSearchParams(times(count, (index): [string, string] => ['filter[name][in]', `n${index}`])),
        );
        return [];
      } catch (error) {
        return (error as ValidationError).issues.map(({ message }) => message);
      }
    };
    expect(issuesOf(100)).to.deep.equal([]);
    expect(issuesOf(101).join()).to.contain('at most 100 things');
  });

  it('fields of a change, names of messages and sagas, levels of JSON', () => {
    const names = times(1_001, (index) => `f${index}`);
    return expectEdges({
      fields: [
        1_000,
        (count) => parseChanges(names, Object.fromEntries(names.slice(0, count).map((name) => [name, 1]))),
      ],
      'characters of a topic': [255, (length) => checkMessage({ topic: 't'.repeat(length), payload: 1 })],
      'characters of a key': [
        255,
        (length) => checkMessage({ topic: 't', key: 'k'.repeat(length), payload: 1 }),
      ],
      'characters of an idempotency key': [255, (length) => checkIdempotencyKey('k'.repeat(length))],
      'levels of a payload': [1_000, (depth) => encodeJson(nest(depth))],
    });
  });

  it('a token and the JSON in it', () => {
    const tokenOf = (length: number): string => {
      const header = Buffer.from('{"alg":"HS256","typ":"JWT","kid":"k"}').toString('base64url');
      // Of 4 characters, so that what is left for the signature is canonical base64url at both lengths.
      const payload = Buffer.from('{ }').toString('base64url');
      return `${header}.${payload}.${'A'.repeat(length - header.length - payload.length - 2)}`;
    };
    expect(readCompactToken(tokenOf(8_192))).to.have.property('kid', 'k');
    expect(readCompactToken(tokenOf(8_193))).to.equal('it is too long');
    const object = (depth: number) => Buffer.from(JSON.stringify({ a: nest(depth - 1) }));
    expect(readStrictJson(object(16))).not.to.equal(undefined);
    expect(readStrictJson(object(17))).to.equal(undefined);
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { ValidationError } from '../../../src/core/foundation/errors/validation-error.ts';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import { decodeJson, encodeJson } from '../../../src/core/query/json-text.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import { rejectionOf } from '../../support/rejection.ts';
import {
  createThingRepository,
  jsonValues,
  makeThing,
  openThings,
  type Tables,
  type ThingRepository,
} from './things.ts';

function nest(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

function faultsOf(value: unknown): string[] {
  try {
    encodeJson(value);
  } catch (error) {
    expect(error).to.be.instanceOf(ValidationError);
    return (error as ValidationError).issues.map(({ path }) => path.join('.'));
  }
  return [];
}

describeOnEachDatabase('JSON reads back equal', (database) => {
  let provider: DatabaseProvider<Tables>;
  let things: ThingRepository;

  before(async () => {
    provider = await openThings(database);
    things = createThingRepository(provider);
  });

  after(() => provider.close());

  async function storeAndRead(value: unknown): Promise<unknown> {
    const { id } = await things.insert(makeThing({ data: encodeJson(value) }));
    return decodeJson((await things.getById(id)).data);
  }

  it('for every value that is not refused', async () => {
    const anything = fc.oneof(jsonValues, fc.jsonValue(), fc.object());
    const property = fc.asyncProperty(anything, async (value) => {
      if (faultsOf(value).length > 0) return;
      // -0 is no JSON number of its own.
      const expected: unknown = JSON.parse(JSON.stringify(value));
      expect(await storeAndRead(value)).to.deep.equal(expected);
    });
    await fc.assert(property, { numRuns: soakCount(1_000) });
  });

  for (const [title, text, stored] of [
    ['members that stand twice', '{"a":1,"b":2,"a":3}', '{"a":3,"b":2}'],
    ['white space and escapes', ' { "\\u0061" : [ 1.50 , 1e2 ] } ', '{"a":[1.5,100]}'],
    ['a zero below zero', '-0', '0'],
    ['a member called __proto__', '{"__proto__":1}', '{"__proto__":1}'],
  ] as const) {
    it(`for a text with ${title}, whatever a mapper made of it`, async () => {
      const { id } = await things.insert(makeThing({ data: text }));
      const { data } = await things.getById(id);
      expect(JSON.stringify(decodeJson(data))).to.equal(stored);
      expect(await things.count({ id, data: { isNull: false } })).to.equal(1);
    });
  }

  for (const text of ['{"a":"\\u0000"}', '"\\ud800"', '{"a":', '1e400', '', 'nul', 7]) {
    it(`but not for ${JSON.stringify(text)}, which is refused by its column`, async () => {
      const error = (await rejectionOf(
        things.insert(makeThing({ data: text as string })),
      )) as ValidationError;
      expect(error).to.be.instanceOf(ValidationError);
      expect(error.issues.map(({ path }) => path)).to.deep.equal([['data']]);
    });
  }

  it('and a number that no double comes near is compared all the same', async () => {
    const id = crypto.randomUUID();
    await things.insert(makeThing({ id, name: 'huge' }));
    for (const [number, filter] of [
      ['1e400', { gt: Number.MAX_VALUE }],
      ['-1e400', { lt: -Number.MAX_VALUE }],
      ['1e-400', { eq: 0 }],
      ['1.7976931348623157e308', { eq: Number.MAX_VALUE }],
      ['5e-324', { eq: 5e-324 }],
    ] as const) {
      // Written by somebody else: the repository would refuse most of them.
      await provider.exec('update things set data = ? where id = ?', [`{"n":${number}}`, id]);
      const asked = { id, data: { path: ['n'], ...filter } };
      expect(await things.count(asked), number).to.equal(1);
    }
  });

  it('nested a thousand deep', async () => {
    expect(await storeAndRead(nest(1_000))).to.deep.equal(nest(1_000));
  });
});

describe('JSON that would not read back equal is refused', () => {
  const circle: Record<string, unknown> = {};
  circle['again'] = { circle };

  for (const [title, value, faults] of [
    ['undefined', undefined, ['']],
    ['undefined members and elements', { a: undefined, b: [undefined] }, ['a', 'b.0']],
    ['holes', Object.assign([], { 1: 1 }), ['0']],
    ['functions, symbols and bigints', { a: () => 1, b: Symbol('x'), c: 1n }, ['a', 'b', 'c']],
    ['numbers that JSON lacks', [Number.NaN, Infinity, -Infinity], ['0', '1', '2']],
    ['NUL and lone surrogates', { a: 'x\0', b: '\ud800', 'c\0': 1, 'd\udc00': 1 }, ['a', 'b', '', '']],
    ['instances', { a: new Date(0), b: new Map(), c: /x/ }, ['a', 'b', 'c']],
    ['circles', circle, ['again.circle']],
    ['nesting without measure', nest(1_001), ['0.a.0']],
    ['a hundred thousand levels', nest(100_000), ['a.0.a']],
  ] as const) {
    it(`such as ${title}`, () => {
      expect(faultsOf(value)).to.deep.equal(faults);
    });
  }

  it('but what stands in it twice is no circle', () => {
    const shared = { a: 1 };
    expect(encodeJson([shared, shared, Object.create(null)])).to.equal('[{"a":1},{"a":1},{}]');
  });

  it('with the column in the path, where it is told', () => {
    expect(() => encodeJson({ a: [undefined] }, 'metadata'))
      .to.throw(ValidationError)
      .with.nested.property('issues[0].path')
      .that.deep.equals(['metadata', 'a', 0]);
  });

  it('and never with the value in the message', () => {
    expect(() => encodeJson({ a: 'geheim\0' }))
      .to.throw(ValidationError)
      .with.property('message')
      .that.does.not.include('geheim');
    for (const text of ['{"geheim', '', 'geheim', undefined, null, 7]) {
      expect(() => decodeJson(text))
        .to.throw(ValidationError)
        .with.property('message')
        .that.does.not.include('geheim');
    }
  });
});

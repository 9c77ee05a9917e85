import { expect } from 'chai';
import fc from 'fast-check';
import { cached, createCache } from '../../../src/core/cache/index.ts';
import { copyRaw, freezeAnswer } from '../../../src/core/cache/freeze-answer.ts';
import { sizeOfRaw } from '../../../src/core/cache/size-of-raw.ts';
import { keyText } from '../../../src/core/cache/key-text.ts';
import { Repository, Secret } from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { createThingRepository, openThings, type Tables, type Thing } from '../repository/things.ts';

class Money {
  readonly cents: number;

  constructor(cents: number) {
    this.cents = cents;
    Object.freeze(this);
  }
}

describe('an answer is frozen through and through', () => {
  it('where it is made of objects, lists, and what is immutable by itself', () => {
    const answer = { a: { b: [{ c: 1 }] }, money: new Money(1), secret: new Secret('s'), none: null };
    expect(freezeAnswer(answer)).to.equal(true);
    expect(answer.a.b[0]).to.be.frozen;
    expect(answer.money).to.be.instanceOf(Money);
    const list = [{ a: 1 }];
    expect(freezeAnswer(list)).to.equal(true);
    expect(list).to.not.be.frozen;
    expect(list[0]).to.be.frozen;
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    expect(freezeAnswer(circle)).to.equal(true);
  });

  for (const [name, held] of Object.entries({
    'a Date': new Date(0),
    'a frozen Date': Object.freeze(new Date(0)),
    'a Map': new Map(),
    bytes: new Uint8Array(2),
    'no bytes': Object.freeze(new Uint8Array(0)),
    'an instance that may change': new (class {
      count = 0;
    })(),
    'a function': () => {},
  })) {
    it(`and not at all where it holds ${name}`, () => {
      const answer = { deep: [held] };
      expect(freezeAnswer(answer)).to.equal(false);
      expect(answer).to.not.be.frozen;
    });
  }

  it('also inside of an instance that has frozen itself alone', () => {
    class User {
      readonly tags = ['a'];
      readonly inner: unknown;

      constructor(inner: unknown) {
        this.inner = inner;
        Object.freeze(this);
      }
    }
    const user = new User({ deep: [] });
    expect(freezeAnswer({ user })).to.equal(true);
    expect(user.tags).to.be.frozen;
    expect(user.inner).to.be.frozen;
    expect(freezeAnswer({ user: new User([new Date(0)]) })).to.equal(false);
  });

  it('and however deep it is', () => {
    const deep = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`) as unknown;
    expect(freezeAnswer({ deep })).to.equal(true);
    expect(sizeOfRaw({ deep })).to.be.above(20_000 * 48);
    let copy: unknown = copyRaw(deep);
    let depth = 0;
    for (; Array.isArray(copy); depth += 1) copy = copy[0];
    expect(depth).to.equal(20_000);
  });

  it('nor where an accessor may answer differently each time', () => {
    const answer = Object.defineProperty({}, 'now', { get: () => Date.now(), enumerable: true });
    expect(freezeAnswer(answer)).to.equal(false);
  });

  it('and the bytes of a copy are its own', () => {
    const raw = [{ bytes: Buffer.from([1, 2]), view: new Uint8Array(new ArrayBuffer(9), 3, 2) }];
    const copy = copyRaw(raw) as typeof raw;
    copy[0]!.bytes[0] = 9;
    expect(copy[0]!.bytes).to.be.instanceOf(Buffer);
    expect(raw[0]!.bytes[0]).to.equal(1);
    expect(copy[0]!.view.buffer).to.not.equal(raw[0]!.view.buffer);
  });
});

describe('the text of a key', () => {
  it('is the same for the same values alone', () => {
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom('1', 's1:a', 'n1;', 'z;', ''),
      fc.double(),
      fc.integer({ min: -2, max: 2 }),
      fc.constant(null),
      fc.boolean(),
      fc.uint8Array({ maxLength: 3 }),
      fc.array(fc.string({ maxLength: 2 }), { maxLength: 2 }),
    );
    const list = fc.array(value, { maxLength: 4 });
    const isSame = (one: unknown, other: unknown): boolean => {
      try {
        expect(one).to.deep.equal(other);
        return true;
      } catch {
        return false;
      }
    };
    fc.assert(
      fc.property(list, list, (one, other) => {
        expect(keyText(one) === keyText(other)).to.equal(isSame(one, other));
        expect(keyText(one)).to.equal(keyText(structuredClone(one)));
      }),
      { numRuns: 500 },
    );
  });
});

describeOnEachDatabase('an entity that cannot be frozen', (database) => {
  it('is made anew for each caller, without another read', async () => {
    let statements = 0;
    const provider = await openThings(database, { onStatement: () => (statements += 1) });
    await using cache = createCache(provider);
    await cache.ready();
    const things = cached(createThingRepository(provider), { cache });
    const thing: Thing = {
      id: crypto.randomUUID(),
      name: 'a',
      label: null,
      owner: null,
      score: 1,
      rank: null,
      weight: null,
      data: null,
      bytes: Uint8Array.from([1, 2, 3]),
      version: 1,
      created_at: 0,
    };
    await things.insert(thing);
    const first = await things.getById(thing.id);
    statements = 0;
    const second = await things.getById(thing.id);
    const [listed] = await things.findMany({ name: 'a' });
    const [again] = await things.findMany({ name: 'a' });
    expect(statements).to.equal(1);
    for (const one of [first, second, listed!]) one.bytes![0] = 99;
    expect([...again!.bytes!]).to.deep.equal([1, 2, 3]);
    expect([...(await things.getById(thing.id)).bytes!]).to.deep.equal([1, 2, 3]);
    await provider.close();
  });

  it('nor is what one mapper has made given to whoever reads by another one', async () => {
    const provider = await openThings(database);
    await using cache = createCache(provider);
    const options = { cache, namespace: 'things' };
    const things = cached(createThingRepository(provider), options);
    const names = cached(
      new Repository<Tables, 'things', { readonly called: string }, { data: unknown }>(provider, {
        table: 'things',
        key: 'id',
        columns: {
          id: 'uuid',
          name: 'text',
          label: 'text?',
          owner: 'uuid?',
          score: 'integer',
          rank: 'integer?',
          weight: 'real?',
          data: 'json?',
          bytes: 'blob?',
          version: 'integer',
          created_at: 'integer',
        },
        mapper: {
          fromRow: (row) => ({ called: row.name }),
          toRow: () => {
            throw new Error('it only reads');
          },
        },
      }),
      options,
    );
    const id = crypto.randomUUID();
    await things.insert({
      id,
      name: 'a',
      label: null,
      owner: null,
      score: 1,
      rank: null,
      weight: null,
      data: null,
      bytes: null,
      version: 1,
      created_at: 0,
    });
    expect(await things.getById(id)).to.have.property('name', 'a');
    expect(await names.getById(id)).to.deep.equal({ called: 'a' });
    expect(await things.getById(id)).to.have.property('name', 'a');
    await provider.close();
  });
});

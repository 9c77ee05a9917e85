import { expect } from 'chai';
import fc from 'fast-check';
import {
  CheckViolationError,
  NotNullViolationError,
  UniqueViolationError,
} from '../../../src/core/foundation/errors/constraint-errors.ts';
import { ValidationError } from '../../../src/core/foundation/errors/validation-error.ts';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { StatementCounter } from './statement-counter.ts';
import {
  clearThings,
  createThingRepository,
  makeThing,
  openThings,
  thingLists,
  type Tables,
  type Thing,
  type ThingRepository,
} from './things.ts';

/** JSON columns hold a value, not a text: Postgres writes it in its own way. */
function withParsedData(thing: Thing): object {
  return { ...thing, data: thing.data === null ? null : (JSON.parse(thing.data) as unknown) };
}

describeOnEachDatabase('writes store what they were given', (database) => {
  const statements = new StatementCounter();
  let provider: DatabaseProvider<Tables>;
  let things: ThingRepository;

  before(async () => {
    provider = await openThings(database, { onStatement: statements.onStatement });
    things = createThingRepository(provider);
  });

  beforeEach(() => clearThings(provider.db));

  after(() => provider.close());

  it('any row that is not refused, by insert, insertMany, upsert and update', async () => {
    const property = fc.asyncProperty(thingLists, async (rows) => {
      await clearThings(provider.db);
      const [first, second, third, ...rest] = rows;
      const expected = rest.map((row) => withParsedData(row));
      expect(await things.insertMany(rest)).to.equal(rest.length);
      if (first !== undefined) expected.push(withParsedData(await things.insert(first)));
      if (second !== undefined) expected.push(withParsedData(await things.upsert(second)));
      if (third !== undefined) {
        const { id, version, created_at } = await things.insert(makeThing());
        const updated = await things.update({ ...third, id, version, created_at });
        expect(withParsedData(updated)).to.deep.equal({
          ...withParsedData(third),
          id,
          version: 2,
          created_at,
        });
        expected.push(withParsedData(updated));
      }
      if (first !== undefined) expect(expected.at(rest.length)).to.deep.equal(withParsedData(first));
      const found = (await things.findMany({})).map((row) => withParsedData(row));
      expect(found).to.have.deep.members(expected);
      for (const row of rest)
        expect(withParsedData(await things.getById(row.id))).to.deep.equal(withParsedData(row));
    });
    await fc.assert(property, { numRuns: soakCount(300) });
  });

  it('ids in lower case, whatever case they came in', async () => {
    const id = crypto.randomUUID();
    const stored = await things.insert(makeThing({ id: id.toUpperCase() }));
    expect(stored.id).to.equal(id);
    expect(await things.findById(id.toUpperCase())).to.deep.equal(stored);
    expect(await things.count({ id: id.toUpperCase() })).to.equal(1);
  });

  it('nothing of what would come back changed', async () => {
    const faulty: Partial<Record<keyof Thing, unknown>>[] = [
      { name: 'a\0b' },
      { label: '\udc00' },
      { id: 'no-uuid' },
      { score: 2 ** 53 },
      { score: 0.5 },
      { rank: '1' },
      { weight: Number.NaN },
      { weight: -Infinity },
      { created_at: new Date(0) },
      { bytes: 'text' },
      { data: { a: 1 } },
    ];
    statements.count = 0;
    for (const fields of faulty) {
      const thing = makeThing(fields as Partial<Thing>);
      for (const write of [() => things.insert(thing), () => things.insertMany([makeThing(), thing])]) {
        const error = await rejectionOf(write());
        expect(error).to.be.instanceOf(ValidationError);
        expect((error as ValidationError).issues.map(({ path }) => path.at(-1))).to.deep.equal(
          Object.keys(fields),
        );
      }
    }
    const unknown = await rejectionOf(things.insert({ ...makeThing(), colour: 'red' } as Thing));
    expect(unknown)
      .to.be.instanceOf(ValidationError)
      .with.property('message')
      .that.includes('no column of table');
    expect(statements.count).to.equal(0);
  });

  it('unless a constraint of the table forbids it', async () => {
    const thing = await things.insert(makeThing());
    expect(await rejectionOf(things.insert(thing))).to.be.instanceOf(UniqueViolationError);
    expect(await rejectionOf(things.insert(makeThing({ version: 0 })))).to.be.instanceOf(CheckViolationError);
    const nameless = makeThing({ name: null as never });
    expect(await rejectionOf(things.insert(nameless))).to.be.instanceOf(NotNullViolationError);
  });
});

describeOnEachDatabase('insertMany stores all or none', (database) => {
  let provider: DatabaseProvider<Tables>;
  let things: ThingRepository;
  const many = Array.from({ length: 7_000 }, (_, score) => makeThing({ score }));

  before(async () => {
    provider = await openThings(database);
    things = createThingRepository(provider);
  });

  beforeEach(() => clearThings(provider.db));

  after(() => provider.close());

  it('of more rows than one statement takes', async () => {
    expect(await things.insertMany(many)).to.equal(7_000);
    expect(await things.count({})).to.equal(7_000);
  });

  it('when the last of many is refused', async () => {
    const error = await rejectionOf(things.insertMany([...many, many[0]!]));
    expect(error).to.be.instanceOf(UniqueViolationError);
    expect(await things.count({})).to.equal(0);
  });

  it('in the transaction that it is given, and with it', async () => {
    const error = await rejectionOf(
      provider.transaction(async (tx) => {
        await things.insertMany(many, { on: tx });
        expect(await things.count({}, { on: tx })).to.equal(7_000);
        throw new Error('changed my mind');
      }),
    );
    expect(error).to.have.property('message', 'changed my mind');
    expect(await things.count({})).to.equal(0);
  });

  it('and refuses rows that do not have the same columns', async () => {
    const { label: _, ...withoutLabel } = makeThing();
    const error = await rejectionOf(things.insertMany([makeThing(), withoutLabel as Thing]));
    expect(error).to.be.instanceOf(ValidationError).with.property('message').that.includes('same columns');
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { describeOnEachDatabase } from '../../support/database.ts';
import { isSoak } from '../../support/engines.ts';
import { openCached, type CachedDatabase, type Notes, type People, type Person } from './cached-fixture.ts';

/** Few of all, so that they meet. */
const ids = Array.from({ length: 4 }, (_, at) => `00000000-0000-4000-8000-00000000000${at}`);
const emails = ['a@x', 'b@x', 'c@x', 'd@x'];
const names = ['ann', 'ben', 'eve'];

type Step =
  | {
      readonly kind: 'insert' | 'update' | 'upsert' | 'plain update';
      readonly who: number;
      readonly name: string;
    }
  | {
      readonly kind: 'delete' | 'delete by filter' | 'note' | 'drop note' | 'touch all';
      readonly who: number;
    }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'invalidate' | 'clear'; readonly who: number }
  | { readonly kind: 'kept' | 'undone' | 'half'; readonly steps: readonly Step[] };

const who = fc.nat(ids.length - 1);
const leaf: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('insert', 'update', 'upsert', 'plain update'),
    who,
    name: fc.constantFrom(...names),
  }),
  fc.record({ kind: fc.constantFrom('delete', 'delete by filter', 'note', 'drop note', 'touch all'), who }),
  fc.record({ kind: fc.constantFrom('invalidate', 'clear'), who }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: leaf },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(3_000) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('kept', 'undone', 'half'),
      steps: fc.array(leaf, { minLength: 1, maxLength: 4 }),
    }),
  },
);

class Undo extends Error {}

/** Repositories, and the handle that they write on; undefined where they stand alone. */
interface Hands {
  readonly people: People;
  readonly notes: Notes;
  readonly db: CachedDatabase['provider']['db'];
}

/** What the database refuses here is no fault: the same row twice, or one that is not there. */
async function take(opened: CachedDatabase, hands: Hands, { kind, ...rest }: Step): Promise<void> {
  const { people, notes, db } = hands;
  const id = ids['who' in rest ? rest.who : 0]!;
  const email = emails['who' in rest ? rest.who : 0]!;
  const name = 'name' in rest ? rest.name : '';
  const person: Person = { id, email, name, version: 1 };
  switch (kind) {
    case 'insert':
      await people.insertMissing([person]);
      return;
    case 'update': {
      const [found] = await db.selectFrom('people').selectAll().where('id', '=', id).execute();
      if (found !== undefined) await people.update({ ...found, name });
      return;
    }
    case 'upsert':
      await people.upsert(person);
      return;
    case 'plain update':
      await db.updateTable('people').set({ name }).where('email', '=', email).execute();
      return;
    case 'delete':
      await people.deleteById(id);
      return;
    case 'delete by filter':
      await db.deleteFrom('people').where('name', '=', names[0]!).execute();
      return;
    case 'note': {
      const owners = await db.selectFrom('people').select('id').where('id', '=', id).execute();
      if (owners.length > 0) await notes.upsert({ id, person_id: id, place: 1, text: name });
      return;
    }
    case 'drop note':
      await notes.deleteById(id);
      return;
    case 'touch all':
      await db
        .updateTable('notes')
        .set((eb) => ({ text: eb.ref('text') }))
        .execute();
      return;
    case 'wait':
      if ('ms' in rest) opened.clock.advance(rest.ms);
      return;
    case 'invalidate':
      await opened.cache.invalidate({ region: 'people', id });
      return;
    case 'clear':
      await opened.cache.clear();
      return;
    default:
      if ('steps' in rest) await takeTogether(opened, kind, rest.steps);
  }
}

async function takeTogether(
  opened: CachedDatabase,
  kind: Step['kind'],
  steps: readonly Step[],
): Promise<void> {
  const { unitOfWork } = opened;
  const inside = steps.filter((each) => each.kind !== 'clear');
  const work = unitOfWork.run(async ({ repositories, db }) => {
    const { people, notes } = repositories;
    for (const each of inside) await take(opened, { people, notes, db }, each);
    if (kind === 'half') {
      const inner = unitOfWork.run(async (unit) => {
        const { people: ownPeople, notes: ownNotes } = unit.repositories;
        const hands = { people: ownPeople, notes: ownNotes, db: unit.db };
        for (const each of inside) await take(opened, hands, each);
        throw new Undo();
      });
      await inner.catch((error: unknown) => expect(error).to.be.instanceOf(Undo));
    }
    if (kind === 'undone') throw new Undo();
  });
  await work.catch((error: unknown) => expect(error).to.be.instanceOf(Undo));
}

/** Asks all that can be asked. */
async function answersOf(people: People, notes: Notes): Promise<unknown> {
  return {
    rows: await Promise.all(ids.map((id) => people.findById(id))),
    lookups: await Promise.all(emails.map((email) => people.findFirst({ email }))),
    lists: await Promise.all(names.map((name) => people.findMany({ name }, { orderBy: 'email desc' }))),
    columns: await people.findMany({}, { select: ['name'] }),
    page: await people.page({}, { orderBy: 'name', limit: 2 }),
    count: await people.count({ name: { in: names.slice(1) } }),
    exists: await Promise.all(names.map((name) => people.exists({ name }))),
    notes: await Promise.all(ids.map((id) => notes.findMany({ person_id: id }))),
    noteRows: await Promise.all(ids.map((id) => notes.findById(id))),
    noteCount: await notes.count({}),
  };
}

describeOnEachDatabase('cached answers equal uncached ones', (database) => {
  it('at every step of whatever is read, written, undone, invalidated, and however time goes', async function () {
    this.timeout(600_000);
    const terms = { ttl: 2_000, staleWhileRevalidate: 500, negativeTtl: 1_000 };
    const opened = await openCached(await database.freshUrl(), { terms });
    const { provider, plainPeople, plainNotes, people, notes } = opened;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 10 }), async (steps) => {
        await provider.exec('delete from people');
        for (const each of steps) {
          await take(opened, { people, notes, db: provider.db }, each);
          const told = await answersOf(people, notes);
          expect(told).to.deep.equal(await answersOf(plainPeople, plainNotes));
        }
      }),
      { numRuns: isSoak ? 500 : 12 },
    );
    expect(opened.cache.stats().regions['people']!.hits).to.be.greaterThan(10);
    await opened.close();
  });
});

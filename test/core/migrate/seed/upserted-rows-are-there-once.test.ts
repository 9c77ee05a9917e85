import { expect } from 'chai';
import fc from 'fast-check';
import {
  DatabaseProviderFactory,
  ValidationError,
  type DatabaseProvider,
} from '../../../../src/core/index.ts';
import { upsertRows, type SeedRow } from '../../../../src/core/migrate/index.ts';
import { describeOnEachDatabase } from '../../../support/database.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { makePlans, type SeededTables } from './sample-seeds.ts';

interface Plan {
  id: string;
  price: number;
  note: string | null;
}

const plan = fc.record<Plan>({
  id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  price: fc.integer({ min: 0, max: 1_000 }),
  note: fc.option(fc.string({ unit: fc.constantFrom('x', "'", '%', 'é') }), { nil: null }),
});
const batch = fc.uniqueArray(plan, { selector: ({ id }) => id });

describeOnEachDatabase('rows that are upserted', (database) => {
  let provider: DatabaseProvider<SeededTables>;

  before(async () => {
    provider = DatabaseProviderFactory.createProvider<SeededTables>(await database.freshUrl());
    await makePlans(provider);
    await provider.exec('create table pairs (one integer, two integer, primary key (one, two))');
  });

  after(() => provider.close());

  const read = (): Promise<Plan[]> => provider.db.selectFrom('plans').selectAll().orderBy('id').execute();

  it('are there once, as they were written last, and others stay', async function () {
    this.timeout(30_000);
    await fc.assert(
      fc.asyncProperty(fc.array(batch, { maxLength: 4 }), async (batches) => {
        await provider.exec('delete from plans');
        const model = new Map<string, Plan>();
        for (const rows of batches) {
          await upsertRows(provider.db, 'plans', ['id'], rows);
          await upsertRows(provider.db, 'plans', ['id'], rows);
          for (const row of rows) model.set(row.id, row);
        }
        const expected = [...model.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
        expect(await read()).to.deep.equal(expected);
      }),
      { numRuns: 30 },
    );
  });

  it('may be all key, and more than one statement holds', async () => {
    const rows = Array.from({ length: 12_000 }, (_, index) => ({ one: index, two: index }));
    await upsertRows(provider.db, 'pairs', ['one', 'two'], rows);
    await upsertRows(provider.db, 'pairs', ['one', 'two'], rows);
    const [count] = await provider.query<{ n: number }>('select count(*) as n from pairs');
    expect(count).to.deep.equal({ n: 12_000 });
  });

  it('are refused with every fault, and nothing is written', async () => {
    await provider.exec('delete from plans');
    const whole = { id: 'a', price: 1, note: null };
    const faulty: readonly (readonly [readonly string[], readonly SeedRow[], readonly string[]])[] = [
      [[], [whole], ['key']],
      [['nobody'], [whole], ['key']],
      [
        ['id'],
        [whole, { id: 'b', price: 1 }, { ...whole, price: undefined }],
        ['rows.1', 'rows.2', 'rows.2'],
      ],
      [['id'], [whole, { ...whole, price: 2 }], ['rows.1']],
      [['id'], [whole, { ...whole, id: 'b', more: 1 }], ['rows.1']],
    ];
    for (const [key, rows, paths] of faulty) {
      const error = await rejectionOf(upsertRows(provider.db, 'plans', key, rows));
      expect(error).to.be.instanceOf(ValidationError);
      expect((error as ValidationError).issues.map(({ path }) => path.join('.'))).to.deep.equal(paths);
    }
    await upsertRows(provider.db, 'plans', ['id'], []);
    expect(await read()).to.deep.equal([]);
  });
});

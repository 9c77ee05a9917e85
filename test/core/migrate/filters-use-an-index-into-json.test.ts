import { expect } from 'chai';
import fc from 'fast-check';
import type { CompiledQuery } from 'kysely';
import { postgresEngine } from '../../../src/core/engine/postgres/index.ts';
import { sqliteEngine } from '../../../src/core/engine/sqlite/index.ts';
import type { DatabaseProvider } from '../../../src/core/index.ts';
import { planReaders } from '../../chat/plans.ts';
import { recordStatements } from '../../chat/recording-engine.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import {
  createThingRepository,
  makeThing,
  openThings,
  type Tables,
  type ThingRepository,
} from '../repository/things.ts';

describeOnEachDatabase('filters use an index into JSON', (database) => {
  const sent: CompiledQuery[] = [];
  let provider: DatabaseProvider<Tables>;
  let things: ThingRepository;

  before(async () => {
    const record = (statement: CompiledQuery) => sent.push(statement);
    const engines = [recordStatements(sqliteEngine, record), recordStatements(postgresEngine, record)];
    provider = await openThings(database, { engines });
    things = createThingRepository(provider);
    const t = provider.migrations.columns;
    await t.createIndex(provider.db, 'things', {
      name: 'things_author_index',
      columns: [{ column: 'data', path: ["it's", 'a "name"', 0], as: 'string' }],
    });
    await t.createIndex(provider.db, 'things', [{ column: 'data', path: ['size'], as: 'number' }]);
    await t.createIndex(provider.db, 'things', ['name', { column: 'data', path: ['open'], as: 'boolean' }]);
    const rows = Array.from({ length: 2_000 }, (_, count) => {
      const data = { "it's": { 'a "name"': [`n${count}`] }, size: count / 2, open: count % 7 === 0 };
      return makeThing({ name: `name ${count % 100}`, data: JSON.stringify(data) });
    });
    await things.insertMany(rows);
    await provider.exec('analyze');
  });

  after(() => provider.close());

  const plans = planReaders[database.name === 'postgres' ? 'postgres' : 'sqlite'];

  for (const [what, index, filter, found] of [
    ['a string', 'things_author_index', { path: ["it's", 'a "name"', 0], eq: 'n7' }, 1],
    [
      'one of some strings',
      'things_author_index',
      { path: ["it's", 'a "name"', 0], in: ['n1', 'n2', 'x'] },
      2,
    ],
    ['a range of strings', 'things_author_index', { path: ["it's", 'a "name"', 0], gt: 'n998' }, 1],
    ['a number', 'things_data_size_index', { path: ['size'], eq: 3.5 }, 1],
    ['a range of numbers', 'things_data_size_index', { path: ['size'], lt: 2 }, 4],
  ] as const) {
    it(`for ${what}`, async () => {
      sent.length = 0;
      expect(await things.findMany({ data: filter })).to.have.length(found);
      const [statement] = sent;
      expect((await plans.planOf(provider.db as never, statement!, true)).join('\n')).to.include(index);
    });
  }

  it('for a column and a boolean', async () => {
    sent.length = 0;
    expect(await things.findMany({ name: 'name 0', data: { path: ['open'], eq: true } })).to.have.length(3);
    const plan = (await plans.planOf(provider.db as never, sent[0]!, true)).join('\n');
    expect(plan).to.include('things_name_data_open_index');
  });

  it('whatever the members are called', async () => {
    const segment = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }),
      fc.constantFrom("'", "\\'", '"', '$', '?', '--', '$1', "';", '%'),
    );
    const path = fc.array(
      segment.filter((name) => !name.includes('\0') && name.isWellFormed()),
      {
        minLength: 1,
        maxLength: 3,
      },
    );
    await fc.assert(
      fc.asyncProperty(path, async (steps) => {
        const t = provider.migrations.columns;
        const place = { column: 'data', path: steps, as: 'string' } as const;
        await t.createIndex(provider.db, 'things', { name: 'things_any_index', columns: [place] });
        const data = JSON.stringify(
          steps.reduceRight<unknown>((value, name) => Object.fromEntries([[name, value]]), 'here'),
        );
        const thing = await things.insert(makeThing({ data }));
        sent.length = 0;
        const rows = await things.findMany({ data: { path: steps, eq: 'here' } });
        expect(rows.map(({ id }) => id)).to.deep.equal([thing.id]);
        const plan = (await plans.planOf(provider.db as never, sent[0]!, true)).join('\n');
        expect(plan).to.include('things_any_index');
        await things.delete(thing);
        await provider.exec('drop index things_any_index');
      }),
      { numRuns: soakCount(200) },
    );
  });
});

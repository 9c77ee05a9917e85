import { expect } from 'chai';
import { sql } from 'kysely';
import {
  CheckViolationError,
  ForeignKeyViolationError,
  LiminalDataError,
  NotNullViolationError,
  UniqueViolationError,
  ValidationError,
  type DatabaseProvider,
} from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { migrate } from './in-a-migration.ts';
import { openUntyped } from './sample-history.ts';

const owner = '018f0000-0000-7000-8000-000000000001';
const id = '018f0000-0000-7000-8000-000000000002';

describeOnEachDatabase('a table of one text keeps its rules', (database) => {
  let provider: DatabaseProvider<any>;

  before(async () => {
    provider = openUntyped(await database.freshUrl());
    await migrate(provider, async (trx, t) => {
      await t.createTable(trx, 'owners', (c) => ({ id: c.id(), code: c.text() }), { unique: [['code']] });
      await t.createTable(
        trx,
        'things',
        (c) => ({
          id: c.id(),
          owner_id: c.references('owners', { onDelete: 'cascade' }),
          owner_code: c.nullable(c.references('owners', { column: 'code', type: c.text() })),
          parent_id: c.nullable(c.references('things', { onDelete: 'set null' })),
          title: c.text(),
          state: c.withDefault(c.enumText(["it's", 'open']), "it's"),
          size: c.withDefault(c.integer(), 7),
          weight: c.nullable(c.real()),
          body: c.nullable(c.blob()),
          tries: c.withDefault(c.counter(0), 0),
          seen_at: c.nullable(c.epochMillis()),
          data: c.nullable(c.json()),
          version: c.version(),
        }),
        {
          unique: [['owner_id', 'title']],
          checks: { title: sql`length(title) < 10` },
          indexes: [['seen_at', 'id'], { columns: ['size'], where: sql`size > 10`, unique: true }],
        },
      );
    });
  });

  beforeEach(async () => {
    await provider.db.deleteFrom('owners').execute();
    await provider.db.insertInto('owners').values({ id: owner, code: 'A' }).execute();
  });

  after(() => provider.close());

  const insert = (values: Record<string, unknown>) =>
    provider.db
      .insertInto('things')
      .values({ id, owner_id: owner, title: 'one', version: 1, ...values })
      .execute();

  it('reads back what was written, and what was left out', async () => {
    const given = {
      owner_code: 'A',
      parent_id: id,
      weight: 0.1,
      body: Buffer.from([0, 255]),
      seen_at: 8_640_000_000_000_000,
      data: '{"a":[1]}',
    };
    await insert(given);
    const row = await provider.db.selectFrom('things').selectAll().executeTakeFirstOrThrow();
    expect({ ...row, data: JSON.parse(row.data), body: Buffer.from(row.body) }).to.deep.equal({
      id,
      owner_id: owner,
      title: 'one',
      version: 1,
      ...given,
      data: { a: [1] },
      state: "it's",
      size: 7,
      tries: 0,
    });
  });

  for (const [what, values, error] of [
    ['a missing title', { title: null }, NotNullViolationError],
    ['a state that is none', { state: 'shut' }, CheckViolationError],
    ['a count below its start', { tries: -1 }, CheckViolationError],
    ['a version below 1', { version: 0 }, CheckViolationError],
    ['a rule of the table', { title: '0123456789' }, CheckViolationError],
    ['an owner that is not there', { owner_id: id }, ForeignKeyViolationError],
    ['a code that is not there', { owner_code: 'B' }, ForeignKeyViolationError],
    ['a text as a number', { size: 'many' }, LiminalDataError],
    ['no UUID', { id: 'one' }, LiminalDataError],
    ['no JSON', { data: '{' }, LiminalDataError],
  ] as const) {
    it(`refuses ${what}`, async () => {
      expect(await rejectionOf(insert(values))).to.be.instanceOf(error);
    });
  }

  it('names its constraints after the table and the columns', async () => {
    const check = await rejectionOf(insert({ state: 'shut' }));
    expect((check as CheckViolationError).constraint).to.equal('things_state_check');
    const own = await rejectionOf(insert({ title: '0123456789' }));
    expect((own as CheckViolationError).constraint).to.equal('things_title_check');
    await insert({});
    const unique = await rejectionOf(insert({ id: owner }));
    expect(unique).to.be.instanceOf(UniqueViolationError);
    expect((unique as UniqueViolationError).table).to.equal('things');
  });

  it('has one index for each foreign key and no second one', async () => {
    const tables = await provider.db.introspection.getTables();
    expect(tables.map(({ name }) => name)).to.include.members(['owners', 'things']);
    const { rows } = await (
      database.name === 'postgres'
        ? sql<{
            name: string;
          }>`select indexname as name from pg_indexes where tablename = 'things' order by 1`
        : sql<{ name: string }>`select name from pragma_index_list('things') where origin = 'c' order by 1`
    ).execute(provider.db);
    const ofConstraints = ['things_owner_id_title_unique', 'things_pkey'];
    expect(rows.map(({ name }) => name).filter((name) => !ofConstraints.includes(name))).to.deep.equal([
      'things_owner_code_index',
      'things_parent_id_index',
      'things_seen_at_id_index',
      'things_size_index',
    ]);
  });

  it('gets a column more, with its index, and the old rows its default', async () => {
    await insert({});
    await migrate(provider, async (trx, t) => {
      await t.addColumn(trx, 'things', 'rank', (c) => c.withDefault(c.enumText(['low', 'high']), 'low'));
      await t.addColumn(trx, 'things', 'editor_id', (c) => c.nullable(c.references('owners')));
    });
    const rows = await provider.db.selectFrom('things').select(['rank', 'editor_id']).execute();
    expect(rows).to.deep.equal([{ rank: 'low', editor_id: null }]);
    const refused = await rejectionOf(provider.exec("update things set rank = 'mid'"));
    expect((refused as CheckViolationError).constraint).to.equal('things_rank_check');
    // It would be refused if there were none.
    await provider.exec('drop index things_editor_id_index');
  });

  it('orders text by its bytes', async () => {
    for (const code of ['b', 'C', 'ä']) {
      await provider.db.insertInto('owners').values({ id: crypto.randomUUID(), code }).execute();
    }
    const rows = await provider.db.selectFrom('owners').select('code').orderBy('code').execute();
    expect(rows.map(({ code }) => code)).to.deep.equal(['A', 'C', 'b', 'ä']);
  });

  describe('lists every fault before the database hears of it:', () => {
    const faultsOf = async (work: Parameters<typeof migrate>[1]): Promise<string[]> => {
      const error = await rejectionOf(migrate(provider, work));
      expect(error).to.be.instanceOf(ValidationError);
      return (error as ValidationError).issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    };
    const long = 'a_name_that_goes_on_and_on_until_it_has_more_than_enough_letters';

    for (const [what, work, faults] of [
      [
        'names',
        (trx, t) =>
          t.createTable(trx, 'bad', (c) => ({ id: c.id(), 'a"b': c.text(), a: c.text(), A: c.text() }), {
            indexes: [['missing'], { columns: ['a'], name: 'x; drop' }, []],
          }),
        [
          /a"b: .*no name/u,
          /more than one column named "A"/u,
          /"missing", which is no column/u,
          /"x; drop" is no name/u,
          /names no columns/u,
        ],
      ],
      [
        'names that one engine would cut',
        (trx, t) =>
          t.createTable(trx, 'bad', (c) => ({ id: c.id(), [long]: c.text() }), { indexes: [['id', long]] }),
        [/is longer than 63 bytes/u, /is longer than 63 bytes/u, /is longer than 63 bytes/u],
      ],
      [
        'a table without a key',
        (trx, t) => t.createTable(trx, 'bad', (c) => ({ a: c.text() })),
        [/there are 0/u],
      ],
      [
        'a table with two keys',
        (trx, t) =>
          t.createTable(trx, 'bad', (c) => ({ id: c.id(), a: c.nullable(c.text()) }), { primaryKey: ['a'] }),
        [/there are 2/u, /"a", which is nullable/u],
      ],
      [
        'names that two parts share',
        (trx, t) =>
          t.createTable(trx, 'bad', (c) => ({ id: c.id(), a: c.enumText(['x']) }), {
            checks: { a: sql`a <> ''` },
            indexes: [['a'], { columns: ['id'], name: 'BAD_a_index' }],
          }),
        [/more than one .* "BAD_a_index"/u, /more than one .* "bad_a_check"/u],
      ],
      [
        'columns that contradict themselves',
        (trx, t) =>
          t.createTable(trx, 'bad', (c) => ({
            id: c.nullable(c.id()),
            a: c.enumText([]),
            b: c.references('x', { onDelete: 'set null' }),
            d: c.references('x', { onDelete: 'cascade; drop table x' as 'cascade' }),
            e: c.withDefault(c.real(), Number.NaN),
            f: c.withDefault(c.text(), 'a\0b'),
          })),
        [
          /id: .*nullable/u,
          /a: .*no values/u,
          /b: .*not nullable/u,
          /d: .*onDelete/u,
          /e: .*finite/u,
          /f: .*NUL/u,
        ],
      ],
      [
        'a place in what is no JSON',
        (trx, t) =>
          t.createTable(trx, 'bad', (c) => ({ id: c.id(), a: c.text() }), {
            indexes: [
              [{ column: 'a', path: ['b'], as: 'string' }],
              [{ column: 'a', path: [], as: 'string' }],
            ],
          }),
        [/no json column/u, /empty path/u, /no json column/u],
      ],
      [
        'an added column without a value for old rows',
        (trx, t) => t.addColumn(trx, 'things', 'a', (c) => c.text()),
        [/no default/u],
      ],
      [
        'an added key',
        (trx, t) => t.addColumn(trx, 'things', 'a', (c) => c.id()),
        [/primary key/u, /no default/u],
      ],
      [
        'an added reference with a default',
        (trx, t) => t.addColumn(trx, 'things', 'a', (c) => c.withDefault(c.references('owners'), owner)),
        [/cannot be added with a default/u],
      ],
    ] satisfies readonly (readonly [string, Parameters<typeof migrate>[1], readonly RegExp[]])[]) {
      it(what, async () => {
        const found = await faultsOf(work);
        expect(found).to.have.length(faults.length);
        for (const fault of faults) expect(found.join('\n')).to.match(fault);
      });
    }
  });
});

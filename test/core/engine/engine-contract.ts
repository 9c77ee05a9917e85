/** The one suite that each engine must pass: what the floors above rely on, whichever engine it is. */
import { expect } from 'chai';
import { sql, type Generated, type Kysely } from 'kysely';
import {
  CheckViolationError,
  DatabaseProviderFactory,
  ForeignKeyViolationError,
  LiminalDataError,
  NotNullViolationError,
  PoolClosedError,
  NestedAcquireError,
  OutsideTransactionError,
  PoolTimeoutError,
  QueryError,
  ReadOnlyDatabaseError,
  UniqueViolationError,
  UnsafeIntegerError,
  ValidationError,
  outside,
  type DatabaseProvider,
  type ProviderOptions,
} from '../../../src/core/index.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { describeFailedTransaction } from './failed-transaction-contract.ts';
import { describeTransactionControl } from './transaction-control-contract.ts';
import { describeTransactionEnd } from './transaction-end-contract.ts';

interface Tables {
  parents: { id: string; name: string; rank: number | null };
  children: {
    id: string;
    parent_id: string;
    kind: string;
    data: string | null;
    made_at: number;
    count: number;
  };
  search: { id: Generated<number>; owner_id: string; tokens: string; token_count: number };
}

const first = '018f0000-0000-7000-8000-000000000001';
const second = '018f0000-0000-7000-8000-000000000002';
const third = '018f0000-0000-7000-8000-000000000003';

/**
 * Declares the suite inside the running `describe`.
 *
 * @param freshUrl makes a new empty database of the engine
 * @param options how its providers are made
 */
export function describeEngineContract(
  freshUrl: () => Promise<string>,
  options: ProviderOptions<Tables> = {},
): void {
  const opened: DatabaseProvider<Tables>[] = [];

  async function open(settings: object = {}): Promise<DatabaseProvider<Tables>> {
    const provider = DatabaseProviderFactory.createProvider<Tables>(
      { url: await freshUrl(), ...settings },
      options,
    );
    opened.push(provider);
    return provider;
  }

  async function openWithTables(settings: object = {}): Promise<DatabaseProvider<Tables>> {
    const provider = await open(settings);
    await createTables(provider);
    return provider;
  }

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((provider) => provider.close({ deadline: 0 })));
  });

  describe('life', () => {
    it('opens nothing until it is used', async () => {
      const provider = await open();
      expect(provider.stats()).to.include({ size: 0, created: 0 });
    });

    it('tells its version and that it is healthy', async () => {
      const report = await (await open()).healthCheck();
      expect(report).to.include({ healthy: true });
      expect(report.version).to.match(/^\d+\.\d+/);
      expect(report.latency).to.be.greaterThan(0);
    });

    it('reports ill health instead of throwing', async () => {
      const provider = await open();
      await provider.close();
      const report = await provider.healthCheck();
      expect(report.healthy).to.equal(false);
      expect(report.error).to.be.instanceOf(PoolClosedError);
    });

    it('refuses work after close, and closes twice in peace', async () => {
      const provider = await openWithTables();
      await Promise.all([provider.close(), provider.close()]);
      expect(await rejectionOf(provider.query('select 1 as one'))).to.be.instanceOf(PoolClosedError);
      expect(provider.stats()).to.include({ size: 0, busy: 0, waiting: 0 });
    });

    it('lets a transaction under way end before it closes', async () => {
      const provider = await openWithTables();
      const { entered, proceed, work } = heldTransaction(provider);
      await entered;
      const closed = provider.close();
      proceed();
      await work;
      await closed;
    });

    it('cuts a transaction off that outlives the deadline of close', async () => {
      const provider = await openWithTables();
      const { entered, proceed, work } = heldTransaction(provider);
      await entered;
      const outcome = rejectionOf(work);
      await provider.close({ deadline: 10 });
      proceed();
      expect(await outcome).to.be.instanceOf(LiminalDataError);
    });
  });

  describe('values', () => {
    it('come back as they went in', async () => {
      const provider = await openWithTables();
      const name = 'Ünïcode 日本 🎉 "quoted" \\ % _ \u2028';
      await provider.db
        .insertInto('parents')
        .values({ id: first, name, rank: -Number.MAX_SAFE_INTEGER })
        .execute();
      const row = await provider.db.selectFrom('parents').selectAll().executeTakeFirstOrThrow();
      expect(row).to.deep.equal({ id: first, name, rank: -Number.MAX_SAFE_INTEGER });
    });

    it('that would not come back as they went in are refused by position, without being repeated', async () => {
      const provider = await openWithTables();
      const bad = ['nul\0', 'lone \ud800', Number.NaN, Number.POSITIVE_INFINITY, 2n ** 63n];
      for (const value of bad) {
        const error = await rejectionOf(provider.query('select 1 as one where 1 = ? or 1 = ?', [1, value]));
        expect(error).to.be.instanceOf(ValidationError);
        expect((error as Error).message)
          .to.contain('2')
          .and.not.contain(String(value));
      }
    });

    it('beyond 2^53 raise an error that names the column, and are exact as text', async () => {
      const provider = await open();
      const error = await rejectionOf(provider.query('select 9007199254740993 as big'));
      expect(error).to.be.instanceOf(UnsafeIntegerError);
      expect((error as UnsafeIntegerError).column).to.equal('big');
      const negative = provider.query('select -9007199254740993 as small');
      expect(await rejectionOf(negative)).to.be.instanceOf(UnsafeIntegerError);
      expect(await provider.query('select cast(9007199254740993 as text) as big')).to.deep.equal([
        { big: '9007199254740993' },
      ]);
      expect(await provider.query('select cast(9007199254740991 as bigint) as big')).to.deep.equal([
        { big: 9007199254740991 },
      ]);
    });

    it('in JSON columns are text in rows', async () => {
      const provider = await openWithTables();
      await addParent(provider.db, first);
      await addChild(provider.db, { data: '{"a":[1,"x",null,true]}' });
      const { data } = await provider.db.selectFrom('children').select('data').executeTakeFirstOrThrow();
      expect(data).to.be.a('string');
      expect(JSON.parse(data as string)).to.deep.equal({ a: [1, 'x', null, true] });
    });
  });

  describe('statements', () => {
    it('count the rows that they change, also where they return some', async () => {
      const provider = await openWithTables();
      expect(
        await provider.exec('insert into parents (id, name) values (?, ?), (?, ?)', [
          first,
          'a',
          second,
          'b',
        ]),
      ).to.equal(2);
      expect(
        await provider.exec('update parents set name = ? where name = ? returning id', ['c', 'a']),
      ).to.equal(1);
      expect(await provider.exec('delete from parents')).to.equal(2);
      expect(await provider.exec('create table other (id integer)')).to.equal(0);
    });

    it('that are wrong are QueryErrors', async () => {
      const provider = await open();
      for (const text of ['selec 1', 'select * from no_such_table']) {
        expect(await rejectionOf(provider.query(text))).to.be.instanceOf(QueryError);
      }
    });

    it('stream every row', async () => {
      const provider = await openWithTables();
      await addParent(provider.db, first);
      const ids = Array.from({ length: 25 }, (_, index) => `018f0000-0000-7000-8000-0000000001${index + 10}`);
      for (const id of ids) await addChild(provider.db, { id });
      const seen: string[] = [];
      for await (const { id } of provider.db.selectFrom('children').select('id').orderBy('id').stream(10))
        seen.push(id);
      expect(seen).to.deep.equal(ids);
      expect(provider.stats().busy).to.equal(0);
    });

    it('free their connection when a stream is left half way', async () => {
      const provider = await openWithTables();
      await addParent(provider.db, first);
      await addParent(provider.db, second);
      for await (const _ of provider.db.selectFrom('parents').select('id').stream(1)) break;
      expect(provider.stats().busy).to.equal(0);
    });
  });

  describe('the chunk size of a stream', () => {
    for (const size of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      it(`that is ${size} is refused, and the connection is free again`, async () => {
        const provider = await openWithTables({ pool: { max: 1 } });
        await addParent(provider.db, first);
        const stream = provider.db.selectFrom('parents').selectAll().stream(size);
        expect(await rejectionOf(stream.next())).to.be.instanceOf(ValidationError);
        expect(await provider.query('select id from parents')).to.deep.equal([{ id: first }]);
      });
    }
  });

  describe('constraints', () => {
    it('raise one class of error each, with what the engine names', async () => {
      const provider = await openWithTables();
      await addParent(provider.db, first);

      const unique = await rejectionOf(addParent(provider.db, first));
      expect(unique).to.be.instanceOf(UniqueViolationError);
      expect(unique).to.include({ table: 'parents', code: 'LIMINAL_UNIQUE_VIOLATION', retryable: false });
      expect((unique as UniqueViolationError).columns).to.deep.equal(['id']);

      const missing = await rejectionOf(provider.exec('insert into parents (id) values (?)', [second]));
      expect(missing).to.be.instanceOf(NotNullViolationError);
      expect((missing as NotNullViolationError).columns).to.deep.equal(['name']);

      const check = await rejectionOf(addChild(provider.db, { kind: 'other' }));
      expect(check).to.be.instanceOf(CheckViolationError);
      expect(check).to.include({ constraint: 'children_kind_check' });

      expect(await rejectionOf(addChild(provider.db, { parent_id: third }))).to.be.instanceOf(
        ForeignKeyViolationError,
      );
    });

    it('never repeat a value in their error', async () => {
      const provider = await openWithTables();
      await addParent(provider.db, first);
      const error = (await rejectionOf(addParent(provider.db, first))) as LiminalDataError;
      const shown = `${error.message}${JSON.stringify(error)}${JSON.stringify(error.cause)}${String(error.cause)}`;
      expect(shown).not.to.contain(first);
    });

    it('cascade', async () => {
      const provider = await openWithTables();
      await addParent(provider.db, first);
      await addChild(provider.db, {});
      await provider.exec('delete from parents');
      expect(await provider.query('select id from children')).to.deep.equal([]);
    });
  });

  describe('transactions', () => {
    it('commit what they return from and roll back what they throw from', async () => {
      const provider = await openWithTables();
      await provider.transaction((tx) => addParent(tx, first));
      const failure = new Error('mine');
      const error = await rejectionOf(
        provider.transaction(async (tx) => {
          await addParent(tx, second);
          throw failure;
        }),
      );
      expect(error).to.equal(failure);
      expect(await provider.query('select id from parents')).to.deep.equal([{ id: first }]);
    });

    it('undo to a savepoint', async () => {
      const provider = await openWithTables();
      const tx = await provider.db.startTransaction().execute();
      await addParent(tx, first);
      const inner = await tx.savepoint('here').execute();
      await addParent(inner, second);
      await inner.rollbackToSavepoint('here').execute();
      await tx.commit().execute();
      expect(await provider.query('select id from parents')).to.deep.equal([{ id: first }]);
    });

    it('roll schema changes back', async () => {
      const provider = await open();
      await rejectionOf(
        provider.transaction(async (tx) => {
          await tx.schema.createTable('half').addColumn('id', 'integer').execute();
          throw new Error('no');
        }),
      );
      expect(await rejectionOf(provider.query('select * from half'))).to.be.instanceOf(QueryError);
    });

    it('that are read-only refuse writes, and the next one may write again', async () => {
      const provider = await openWithTables();
      const error = await rejectionOf(provider.transaction((tx) => addParent(tx, first), { readOnly: true }));
      expect(error).to.be.instanceOf(ReadOnlyDatabaseError);
      await provider.transaction((tx) => addParent(tx, first));
    });

    it('take every isolation level that both engines know', async () => {
      const provider = await openWithTables();
      for (const isolation of ['read committed', 'repeatable read', 'serializable'] as const) {
        await provider.transaction((tx) => tx.selectFrom('parents').selectAll().execute(), { isolation });
      }
    });

    it('refuse the root handle at once, and say so where outside of them nothing is free', async () => {
      const provider = await openWithTables({ pool: { max: 1 } });
      const ask = () => provider.query('select 1 as one');
      expect(await rejectionOf(provider.transaction(ask))).to.be.instanceOf(OutsideTransactionError);
      const error = await rejectionOf(provider.transaction(() => outside(ask)));
      expect(error).to.be.instanceOf(NestedAcquireError);
      expect(provider.stats()).to.include({ busy: 0, waiting: 0 });
    });

    it('refuse it inside a transaction of Kysely as well, where nothing hangs either', async () => {
      const provider = await openWithTables({ pool: { max: 1, acquireTimeout: 500 } });
      const ask = () => provider.query('select 1 as one');
      const run = (work: () => Promise<unknown>) => rejectionOf(provider.db.transaction().execute(work));
      expect(await run(ask)).to.be.instanceOf(OutsideTransactionError);
      // Kysely takes the connection before it says that it is for a transaction; SQLite's is taken behind that.
      expect(await run(() => outside(ask))).to.satisfy(
        (error: unknown) => error instanceof PoolTimeoutError || error instanceof NestedAcquireError,
      );
      expect(provider.stats()).to.include({ busy: 0, waiting: 0 });
    });
  });

  describe('the end of a transaction', () => describeTransactionEnd(open));

  describe('a transaction with a failed statement', () => describeFailedTransaction(open));

  describe('SQL that begins or ends a transaction', () => describeTransactionControl(open));

  describe('the pool', () => {
    it('serves callers in the order in which they came', async () => {
      const provider = await openWithTables({ pool: { max: 1 } });
      const { entered, proceed, work } = heldTransaction(provider);
      await entered;
      const order: number[] = [];
      const callers = Array.from({ length: 20 }, (_, index) =>
        provider.query('select 1 as one').then(() => order.push(index)),
      );
      proceed();
      await Promise.all([work, ...callers]);
      expect(order).to.deep.equal(Array.from({ length: 20 }, (_, index) => index));
    });

    it('turns a caller away at once when the line is full', async () => {
      const provider = await openWithTables({ pool: { max: 1, maxWaiting: 2 } });
      const { entered, proceed, work } = heldTransaction(provider);
      await entered;
      const waiting = [provider.query('select 1 as one'), provider.query('select 1 as one')];
      const error = await rejectionOf(provider.query('select 1 as one'));
      expect(error).to.be.instanceOf(PoolTimeoutError);
      expect((error as PoolTimeoutError).stats).to.include({ waiting: 2, busy: 1 });
      proceed();
      await Promise.all([work, ...waiting]);
    });

    it('lets a caller leave the line by its signal', async () => {
      const provider = await openWithTables({ pool: { max: 1 } });
      const { entered, proceed, work } = heldTransaction(provider);
      await entered;
      const controller = new AbortController();
      const query = provider.db.selectFrom('parents').selectAll().execute({ signal: controller.signal });
      const outcome = rejectionOf(query);
      controller.abort(new Error('enough'));
      await outcome;
      expect(provider.stats().waiting).to.equal(0);
      proceed();
      await work;
      expect(await provider.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
    });
  });

  describe('vocabulary', () => {
    const names = ['a', 'A', 'a%', 'a_', 'ab', 'a*b', 'a?b', '[a]', 'a\\b', 'é', ''];

    async function matching(
      condition: (provider: DatabaseProvider<Tables>) => ReturnType<typeof sql<boolean>>,
    ) {
      const provider = await openWithTables();
      for (const [index, name] of names.entries()) {
        await provider.db
          .insertInto('parents')
          .values({ id: `${first.slice(0, -2)}${index + 10}`, name })
          .execute();
      }
      const rows = await sql<{
        name: string;
      }>`select name from parents where ${condition(provider)} order by id`.execute(provider.db);
      return rows.rows.map((row) => row.name);
    }

    it('like knows %, _ and the escape, and the case', async () => {
      const like = (pattern: string) =>
        matching(
          ({ sql: words }) => words.like(sql.ref('name'), sql`${words.patternParameter(pattern)}`) as never,
        );
      expect(await like('a%')).to.deep.equal(['a', 'a%', 'a_', 'ab', 'a*b', 'a?b', 'a\\b']);
      expect(await like('a\\%')).to.deep.equal(['a%']);
      expect(await like('a\\_')).to.deep.equal(['a_']);
      expect(await like('a_')).to.deep.equal(['a%', 'a_', 'ab']);
      expect(await like('a*b')).to.deep.equal(['a*b']);
      expect(await like('a?b')).to.deep.equal(['a?b']);
      expect(await like('[a]')).to.deep.equal(['[a]']);
      expect(await like('a\\\\b')).to.deep.equal(['a\\b']);
      expect(await like('_')).to.deep.equal(['a', 'A', 'é']);
      expect(await like('')).to.deep.equal(['']);
    });

    it('contains takes every character literally', async () => {
      const contains = (part: string) =>
        matching(({ sql: words }) => words.contains(sql.ref('name'), sql`${part}`) as never);
      expect(await contains('%')).to.deep.equal(['a%']);
      expect(await contains('*')).to.deep.equal(['a*b']);
      expect(await contains('A')).to.deep.equal(['A']);
      expect(await contains('')).to.deep.equal(names);
    });

    it('isIn takes any number of values, and none', async () => {
      const isIn = (values: string[]) =>
        matching(({ sql: words }) => {
          const list = words.listParameters(values, 'text').map((parameter) => sql`${parameter}`);
          return words.isIn(sql.ref('name'), list, 'text') as never;
        });
      expect(await isIn([])).to.deep.equal([]);
      expect(await isIn(['é', 'a\\b', "it's"])).to.deep.equal(['a\\b', 'é']);
      expect(
        await isIn(Array.from({ length: 40_000 }, (_, index) => `n${index}`).concat('a%')),
      ).to.deep.equal(['a%']);
    });

    it('reads JSON by path and type, and takes every name literally', async () => {
      const provider = await openWithTables();
      await addParent(provider.db, first);
      const value = { 'a"b\\c.d': { '': ['x', 1.5, true, null] }, '0': 'zero' };
      await addChild(provider.db, { data: JSON.stringify(value) });
      const column = sql.ref('data');
      const path = ['a"b\\c.d', ''];
      const words = provider.sql;
      const { rows } = await sql`select
        ${words.jsonString(column, [...path, 0])} as text,
        ${words.jsonNumber(column, [...path, 1])} as number,
        ${words.jsonBoolean(column, [...path, 2])} as boolean,
        ${words.jsonString(column, [...path, 1])} as other_type,
        ${words.jsonString(column, ['0'])} as digit_name,
        ${words.jsonString(column, [0])} as index_of_object,
        ${words.jsonNumber(column, [...path, '1'])} as name_of_array,
        case when ${words.jsonIsNull(column, [...path, 3])} then 1 else 0 end as json_null,
        case when ${words.jsonIsNull(column, ['missing', 'too'])} then 1 else 0 end as missing,
        case when ${words.jsonIsNull(column, [...path, 2])} then 1 else 0 end as present
        from children`.execute(provider.db);
      expect(rows).to.deep.equal([
        {
          text: 'x',
          number: 1.5,
          boolean: 1,
          other_type: null,
          digit_name: 'zero',
          index_of_object: null,
          name_of_array: null,
          json_null: 1,
          missing: 1,
          present: 0,
        },
      ]);
    });

    it('compares the numbers of JSON as doubles', async () => {
      const provider = await openWithTables();
      await addParent(provider.db, first);
      // A double, whose decimal is written rounded: 4611686018427389000.
      const number = 2 ** 62 + 1024;
      await addChild(provider.db, { data: JSON.stringify({ n: number }) });
      const found = provider.sql.jsonNumber(sql.ref('data'), ['n']);
      const { rows } = await sql`select
        case when ${found} = ${number} then 1 else 0 end as same,
        case when ${found} > ${number - 1024} then 1 else 0 end as above,
        case when ${found} < ${number + 1024} then 1 else 0 end as below
        from children`.execute(provider.db);
      expect(rows).to.deep.equal([{ same: 1, above: 1, below: 1 }]);
    });

    it('finds rows that hold every token, and follows inserts, updates and cascaded deletes', async () => {
      const provider = await openWithTables();
      await addParent(provider.db, first);
      await addParent(provider.db, second);
      const add = (owner_id: string, words: string[]) =>
        provider.db
          .insertInto('search')
          .values({ owner_id, tokens: words.map((word) => ` ${word} `).join(''), token_count: words.length })
          .execute();
      const found = async (...tokens: string[]) => {
        const condition = provider.sql.matchesAll('search', tokens);
        const { rows } = await sql<{
          owner_id: string;
        }>`select owner_id from search where ${condition} order by owner_id`.execute(provider.db);
        return rows.map((row) => row.owner_id);
      };
      await add(first, ['a11', 'a30', 'acafe']);
      await add(second, ['a11', 'u65e5']);
      expect(await found('a11')).to.deep.equal([first, second]);
      expect(await found('a11', 'a30')).to.deep.equal([first]);
      expect(await found('u65e5')).to.deep.equal([second]);
      expect(await found('a1')).to.deep.equal([]);
      await provider.db
        .updateTable('search')
        .set({ tokens: ' anew ' })
        .where('owner_id', '=', first)
        .execute();
      expect(await found('a30')).to.deep.equal([]);
      expect(await found('anew')).to.deep.equal([first]);
      await provider.exec('delete from parents where id = ?', [second]);
      expect(await found('a11')).to.deep.equal([]);
    });
  });
}

async function createTables(provider: DatabaseProvider<Tables>): Promise<void> {
  const t = provider.migrations.columns;
  const db = provider.db as unknown as Kysely<unknown>;
  const parents = t.table('parents');
  await db.schema
    .createTable('parents')
    .addColumn('id', parents.uuid('id'), (column) => column.notNull().primaryKey())
    .addColumn('name', parents.text('name'), (column) => column.notNull())
    .addColumn('rank', parents.integer('rank'))
    .modifyEnd(parents.end)
    .execute();
  const children = t.table('children');
  await db.schema
    .createTable('children')
    .addColumn('id', children.uuid('id'), (column) => column.notNull().primaryKey())
    .addColumn('parent_id', children.uuid('parent_id'), (column) =>
      column.notNull().references('parents.id').onDelete('cascade'),
    )
    .addColumn('kind', children.enumText('kind', ['one', 'two']), (column) => column.notNull())
    .addColumn('data', children.json('data'))
    .addColumn('made_at', children.epochMillis('made_at'), (column) => column.notNull())
    .addColumn('count', children.counter('count', 1), (column) => column.notNull())
    .modifyEnd(children.end)
    .execute();
  await t.createFullTextTable(db, { name: 'search', owner: 'owner_id', ownerTable: 'parents' });
}

async function addParent(db: Kysely<Tables>, id: string): Promise<void> {
  await db.insertInto('parents').values({ id, name: 'parent', rank: null }).execute();
}

async function addChild(db: Kysely<Tables>, child: Partial<Tables['children']>): Promise<void> {
  const row = { id: third, parent_id: first, kind: 'one', data: null, made_at: 1_747_000_000_000, count: 1 };
  await db
    .insertInto('children')
    .values({ ...row, ...child })
    .execute();
}

/** A transaction that holds its connection until it is told to go on. */
function heldTransaction(provider: DatabaseProvider<Tables>) {
  const entered = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const work = provider.transaction(async (tx) => {
    await tx.selectFrom('parents').selectAll().execute();
    entered.resolve();
    await gate.promise;
    await tx.selectFrom('parents').selectAll().execute();
  });
  return { entered: entered.promise, proceed: gate.resolve, work };
}

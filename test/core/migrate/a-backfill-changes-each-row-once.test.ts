import { expect } from 'chai';
import fc from 'fast-check';
import { sql, type SqlBool } from 'kysely';
import {
  DatabaseBusyError,
  outside,
  OutsideTransactionError,
  systemClock,
  ValidationError,
  type DatabaseProvider,
} from '../../../src/core/index.ts';
import { backfill, type BackfillOptions, type BackfillProgress } from '../../../src/core/migrate/index.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { until } from '../../support/until.ts';
import { openUntyped } from './sample-history.ts';

describeOnEachDatabase('a backfill', (database) => {
  let provider: DatabaseProvider<any>;
  let tables = 0;

  before(async () => {
    provider = openUntyped(await database.freshUrl());
  });

  after(() => provider.close());

  /** A table of its own for each case; `n` counts how often a row was changed. */
  async function makeTable(keys: readonly (readonly [string, string])[], key: 'text' | 'bigint' = 'text') {
    tables += 1;
    const name = `things_${tables}`;
    const type = key === 'text' && database.name === 'postgres' ? sql`text collate "C"` : sql.raw(key);
    await sql`create table ${sql.table(name)} (a ${type} not null, b ${type} not null, n integer not null)`.execute(
      provider.db,
    );
    await sql`create index ${sql.id(`${name}_key`)} on ${sql.table(name)} (a, b)`.execute(provider.db);
    for (let from = 0; from < keys.length; from += 500) {
      const rows = keys.slice(from, from + 500).map(([a, b]) => sql`(${cast(a, key)}, ${cast(b, key)}, 0)`);
      await sql`insert into ${sql.table(name)} (a, b, n) values ${sql.join(rows)}`.execute(provider.db);
    }
    return name;
  }

  function cast(value: string, type: 'text' | 'bigint') {
    return type === 'text' ? sql`${value}` : sql`cast(${value} as bigint)`;
  }

  async function countByN(table: string): Promise<Record<number, number>> {
    const { rows } = await sql<{ n: number; rows: number }>`
      select n, count(*) as rows from ${sql.table(table)} group by n`.execute(provider.db);
    return Object.fromEntries(rows.map(({ n, rows: count }) => [n, count]));
  }

  const numbered = (count: number): [string, string][] =>
    Array.from({ length: count }, (_, index) => [String(index), 'x']);

  function countUp(table: string, more: Partial<BackfillOptions> = {}): Promise<{ batches: number }> {
    return backfill(provider, { name: table, table, key: ['a', 'b'], set: { n: sql`n + 1` }, ...more });
  }

  it('changes each row once, whatever its keys and the batch size are', async function () {
    this.timeout(600_000);
    const value = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 5 }).filter((text) => !text.includes('\0')),
      fc.constantFrom('"', '\\', '', ' ', "'", '1', '01', '1e3', 'null', '{}', '𝄞', '\u2028'),
    );
    const pairs = fc.uniqueArray(fc.tuple(value, value), {
      maxLength: 40,
      selector: (pair) => pair.join('\0'),
    });
    await fc.assert(
      fc.asyncProperty(pairs, fc.integer({ min: 1, max: 12 }), async (keys, batchSize) => {
        const table = await makeTable(keys);
        await countUp(table, { batchSize });
        expect(await countByN(table)).to.deep.equal(keys.length === 0 ? {} : { 1: keys.length });
      }),
      { numRuns: soakCount(300) },
    );
  });

  it('walks along integers that a number of JavaScript cannot hold', async () => {
    const large = 9_007_199_254_740_993n;
    const keys = Array.from({ length: 40 }, (_, n): [string, string] => [
      String(large + BigInt(n)),
      String(-large - BigInt(n)),
    ]);
    const table = await makeTable(keys, 'bigint');
    await countUp(table, { batchSize: 3 });
    expect(await countByN(table)).to.deep.equal({ 1: 40 });
  });

  it('walks along keys of which several rows have the same', async () => {
    const table = await makeTable(numbered(50));
    await sql`update ${sql.table(table)} set a = 'same'`.execute(provider.db);
    const report = await countUp(table, { key: 'a', batchSize: 7 });
    expect(await countByN(table)).to.deep.equal({ 1: 50 });
    expect(report).to.deep.equal({ name: table, done: 50, changed: 50, batches: 2 });
  });

  it('changes the rows that it is told to, and tells how far it is', async () => {
    const table = await makeTable(numbered(100));
    const heard: BackfillProgress[] = [];
    const report = await countUp(table, {
      where: sql<SqlBool>`a like '%7'`,
      batchSize: 30,
      onProgress: (progress) => heard.push(progress),
    });
    expect(report).to.deep.equal({ name: table, done: 100, changed: 10, batches: 5 });
    expect(heard.map(({ done }) => done)).to.deep.equal([30, 60, 90, 100, 100]);
    expect(heard.at(-1)?.changed).to.equal(10);
    expect(heard.at(-1)?.rate).to.be.greaterThan(0);
    // A guess: by the pages of the table on Postgres, by the last rowid on SQLite.
    expect(heard[0]?.total).to.be.within(50, 1_000);
    expect(await countByN(table)).to.deep.equal({ 0: 90, 1: 10 });
  });

  it('does nothing when it is called again behind its end', async () => {
    const table = await makeTable(numbered(20));
    await countUp(table);
    expect(await countUp(table)).to.deep.equal({ name: table, done: 20, changed: 20, batches: 0 });
    expect(await countByN(table)).to.deep.equal({ 1: 20 });
  });

  it('goes on where a signal stopped it', async () => {
    const table = await makeTable(numbered(100));
    const controller = new AbortController();
    const reason = new Error('enough');
    const stopped = countUp(table, {
      batchSize: 10,
      signal: controller.signal,
      onProgress: ({ done }) => done >= 30 && controller.abort(reason),
    });
    expect(await rejectionOf(stopped)).to.equal(reason);
    expect(await countByN(table)).to.deep.equal({ 0: 70, 1: 30 });
    await countUp(table, { batchSize: 10 });
    expect(await countByN(table)).to.deep.equal({ 1: 100 });
  });

  it('rests between two batches for as long as it is told, and no longer than until its signal', async () => {
    const table = await makeTable(numbered(30));
    const clock = new FakeClock();
    const controller = new AbortController();
    let done = 0;
    const running = countUp(table, {
      batchSize: 10,
      throttle: 5_000,
      clock,
      signal: controller.signal,
      onProgress: (progress) => (done = progress.done),
    });
    await until(() => done === 10);
    clock.advance(4_999);
    await provider.db.selectFrom(table).select('n').limit(1).execute();
    expect(done).to.equal(10);
    // The timer of the rest is set behind the report, so that the clock may have to be moved more than once.
    await until(() => (clock.advance(1), done === 20));
    controller.abort(new Error('stopped'));
    expect(await rejectionOf(running)).to.have.property('message', 'stopped');
  });

  it('runs a batch again, and smaller, where its error passes', async () => {
    const table = await makeTable(numbered(60));
    let failures = 0;
    const sizes: number[] = [];
    const failing = {
      db: provider.db,
      migrations: provider.migrations,
      transaction: (async (work, options) =>
        provider.transaction(async (tx) => {
          const result = await work(tx);
          failures += 1;
          if (failures <= 2) throw busyError();
          return result;
        }, options)) as typeof provider.transaction,
    };
    await backfill(failing, {
      name: table,
      table,
      key: ['a', 'b'],
      set: { n: sql`n + 1` },
      batchSize: 40,
      onProgress: ({ done }) => sizes.push(done),
    });
    expect(await countByN(table)).to.deep.equal({ 1: 60 });
    expect(sizes[0]).to.equal(10);
  });

  it('makes its batches smaller where they take long, and larger again', async () => {
    const table = await makeTable(numbered(100));
    let speed = 1_000;
    const clock = { ...systemClock, monotonic: () => (clockTime += speed) };
    let clockTime = 0;
    const heard: number[] = [];
    await countUp(table, {
      batchSize: 16,
      clock,
      onProgress: ({ done }) => {
        heard.push(done);
        if (heard.length === 3) speed = 1;
      },
    });
    const sizes = heard.map((done, index) => done - (heard[index - 1] ?? 0));
    expect(sizes.slice(0, 7)).to.deep.equal([16, 8, 4, 2, 4, 8, 16]);
    expect(await countByN(table)).to.deep.equal({ 1: 100 });
  });

  it('takes turns with another one of its name', async () => {
    const table = await makeTable(numbered(300));
    const reports = await Promise.all([1, 2, 3].map(() => countUp(table, { batchSize: 10 })));
    expect(await countByN(table)).to.deep.equal({ 1: 300 });
    // A busy machine makes a batch slow, and a slow one halves the next.
    expect(reports.map(({ batches }) => batches).reduce((sum, n) => sum + n)).to.be.within(31, 60);
  });

  it('refuses what it cannot do, with every fault', async () => {
    const table = await makeTable(numbered(5));
    const error = await rejectionOf(
      backfill(provider, { name: '', table: '', key: [], set: {}, batchSize: 0, throttle: -1 }),
    );
    expect(error).to.be.instanceOf(ValidationError);
    expect((error as ValidationError).issues.map(({ path }) => path[0])).to.deep.equal([
      'name',
      'table',
      'key',
      'set',
      'batchSize',
      'throttle',
    ]);
    expect(await rejectionOf(countUp(table, { key: 'n' }))).to.be.instanceOf(ValidationError);
    await countUp(table);
    const other = await rejectionOf(countUp(table, { set: { n: sql`n + 2` } }));
    expect(other).to.be.instanceOf(ValidationError);
    expect((other as Error).message).to.contain('another name');
    const inside = provider.transaction(() => countUp(table));
    expect(await rejectionOf(inside)).to.be.instanceOf(OutsideTransactionError);
  });

  it('refuses a key that JSON cannot hold, and ends as nothing', async () => {
    const table = await makeTable(numbered(5));
    const key =
      database.name === 'postgres' ? `jsonb not null default 'null'` : `blob not null default x'00'`;
    await sql`alter table ${sql.table(table)} add column c ${sql.raw(key)}`.execute(provider.db);
    const error = await rejectionOf(countUp(table, { key: 'c' }));
    expect(error).to.be.instanceOf(ValidationError);
    expect((error as ValidationError).issues.map(({ path }) => path)).to.deep.equal([['key']]);
    expect(await countByN(table)).to.deep.equal({ 0: 5 });
  });

  it('refuses a key that has NULLs', async () => {
    const table = await makeTable(numbered(5));
    await sql`alter table ${sql.table(table)} add column c integer`.execute(provider.db);
    const error = await rejectionOf(countUp(table, { key: 'c' }));
    expect(error).to.be.instanceOf(ValidationError);
    expect(await countByN(table)).to.deep.equal({ 0: 5 });
  });
});

describeOnDatabase('postgres', 'a backfill that waits for an application', (database) => {
  it('gives way, before the server finds a deadlock', async () => {
    await using provider = openUntyped(await database.freshUrl());
    await sql`create table things (id integer primary key, n integer not null)`.execute(provider.db);
    await sql`insert into things select id, 0 from generate_series(1, 10) as id`.execute(provider.db);
    const errors: unknown[] = [];
    const observed = {
      db: provider.db,
      migrations: provider.migrations,
      transaction: (async (work, options) => {
        try {
          return await provider.transaction(work, options);
        } catch (error) {
          errors.push(error);
          throw error;
        }
      }) as typeof provider.transaction,
    };
    const set = { n: sql`n + 1` };
    const options: BackfillOptions = { name: 'things', table: 'things', key: 'id', set };
    let filling: Promise<unknown> | undefined;
    await provider.transaction(async (tx) => {
      await sql`update things set n = n + 10 where id = 10`.execute(tx);
      filling = outside(() => backfill(observed, options));
      // The batch has the first row and waits for the last one.
      await until(async () => {
        const { rows } = await sql`select 1 as one from pg_locks where not granted`.execute(tx);
        return rows.length > 0;
      });
      await sql`update things set n = n + 10 where id = 1`.execute(tx);
    });
    await filling;
    expect(errors.length).to.be.greaterThan(0);
    expect(errors.every((error) => error instanceof DatabaseBusyError)).to.equal(true);
    const { rows } = await sql<{ n: number }>`select n from things order by id`.execute(provider.db);
    expect(rows.map(({ n }) => n)).to.deep.equal([11, 1, 1, 1, 1, 1, 1, 1, 1, 11]);
  });
});

function busyError(): Error {
  return new DatabaseBusyError('Held by a test.');
}

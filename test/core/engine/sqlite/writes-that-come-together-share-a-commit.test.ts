import { expect } from 'chai';
import { CompiledQuery, sql } from 'kysely';
import {
  DatabaseProviderFactory,
  ForeignKeyViolationError,
  PoolTimeoutError,
  QueryError,
  UniqueViolationError,
  UnsafeIntegerError,
  type DatabaseProvider,
} from '../../../../src/core/index.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { holdWriteLock } from '../../../support/lock-holder.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { until } from '../../../support/until.ts';
import { countCommits } from './wal-commits.ts';

interface Tables {
  notes: { id: number; text: string };
}

const insert = (id: number, text = 'x') => CompiledQuery.raw('insert into notes values (?, ?)', [id, text]);

describeOnDatabase('sqlite-file', 'writes that come together share a commit', (database) => {
  let provider: DatabaseProvider<Tables>;
  let filename: string;

  beforeEach(async () => {
    const url = await database.freshUrl();
    filename = url.slice('sqlite:'.length);
    provider = DatabaseProviderFactory.createProvider<Tables>({ url, pool: { acquireTimeout: 1_000 } });
    await provider.exec('create table notes (id integer primary key, text text not null unique) strict');
    await provider.exec('create table parents (id integer primary key) strict');
    await provider.exec(
      'create table children (parent integer references parents deferrable initially deferred) strict',
    );
  });

  afterEach(() => provider.close());

  const run = (query: CompiledQuery) => provider.direct!.execute(query);
  const idsOf = async () =>
    (await provider.query<{ id: number }>('select id from notes order by id')).map(({ id }) => id);
  const range = (length: number) => Array.from({ length }, (_, index) => index);

  async function commitsDuring(work: () => Promise<unknown>): Promise<number> {
    const before = countCommits(filename);
    await work();
    return countCommits(filename) - before;
  }

  it('of statements that go directly', async () => {
    const all = () => Promise.all(range(64).map((id) => run(insert(id, `n${id}`))));
    expect(await commitsDuring(all)).to.equal(1);
    expect(await idsOf()).to.deep.equal(range(64));
  });

  it('of statements by Kysely', async () => {
    const add = (id: number) =>
      provider.db
        .insertInto('notes')
        .values({ id, text: `n${id}` })
        .execute();
    expect(await commitsDuring(() => Promise.all(range(64).map(add)))).to.equal(1);
  });

  it('of batches, and of those who waited for a transaction', async () => {
    const entered = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const held = provider.transaction(async (tx) => {
      await tx.insertInto('notes').values({ id: 1_000, text: 'held' }).execute();
      entered.resolve();
      await gate.promise;
    });
    await entered.promise;
    const all = range(20).map((id) =>
      provider.direct!.batch([insert(2 * id, `a${id}`), insert(2 * id + 1, `b${id}`)]),
    );
    expect(provider.stats().waiting).to.equal(20);
    const finish = async () => {
      gate.resolve();
      await Promise.all([held, ...all]);
    };
    expect(await commitsDuring(finish)).to.equal(2);
    expect(await idsOf()).to.deep.equal([...range(40), 1_000]);
    expect(provider.stats()).to.include({ waiting: 0, busy: 0 });
  });

  it('in the order of asking, and each gets its own answer', async () => {
    await run(insert(1, ''));
    const append = (letter: string) =>
      run(CompiledQuery.raw('update notes set text = text || ? where id = 1 returning text', [letter]));
    const answers = await Promise.all('abcdefgh'.split('').map(append));
    expect(answers.map(({ rows }) => (rows[0] as { text: string }).text)).to.deep.equal(
      range(8).map((index) => 'abcdefgh'.slice(0, index + 1)),
    );
    expect(answers[0]?.numAffectedRows).to.equal(1n);
  });

  it('and one that fails fails alone', async () => {
    const outcomes = await Promise.allSettled([
      run(insert(1, 'a')),
      run(insert(2, 'a')),
      run(CompiledQuery.raw('insert into missing values (1)', [])),
      provider.direct!.batch([insert(3, 'c'), insert(4, 'c')]),
      run(insert(5, 'e')),
    ]);
    expect(outcomes.map(({ status }) => status)).to.deep.equal([
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
      'fulfilled',
    ]);
    expect(outcomes.map((outcome) => (outcome as { reason?: object }).reason?.constructor)).to.deep.equal([
      undefined,
      UniqueViolationError,
      QueryError,
      UniqueViolationError,
      undefined,
    ]);
    expect(await idsOf()).to.deep.equal([1, 5]);
  });

  it('and where the shared commit fails, only whose fault it is', async () => {
    const child = CompiledQuery.raw('insert into children values (7)', []);
    const outcomes = await Promise.allSettled([run(insert(1, 'a')), run(child), run(insert(2, 'b'))]);
    expect(outcomes.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected', 'fulfilled']);
    expect((outcomes[1] as PromiseRejectedResult).reason).to.be.instanceOf(ForeignKeyViolationError);
    expect(await idsOf()).to.deep.equal([1, 2]);
    expect(await provider.query('select * from children')).to.deep.equal([]);
  });

  it('and where one gives the whole transaction up, the others are run again', async () => {
    await provider.exec(
      `create trigger refuse before insert on notes when new.text = 'bad' begin select raise(rollback, 'no'); end`,
    );
    await run(insert(9, 'there'));
    const outcomes = await Promise.allSettled([
      run(insert(1, 'a')),
      run(insert(2, 'bad')),
      run(CompiledQuery.raw("insert or rollback into notes values (3, 'there')", [])),
      run(insert(4, 'd')),
    ]);
    expect(outcomes.map(({ status }) => status)).to.deep.equal([
      'fulfilled',
      'rejected',
      'rejected',
      'fulfilled',
    ]);
    expect(await idsOf()).to.deep.equal([1, 4, 9]);
  });

  it('and a write whose answer cannot be told is applied, as it is alone', async () => {
    const odd = (id: number) =>
      run(
        CompiledQuery.raw("insert into notes values (?, 't' || ?) returning 9007199254740993 as big", [
          id,
          id,
        ]),
      );
    const outcomes = [rejectionOf(odd(1)), rejectionOf(odd(2))];
    expect(await outcomes[0]).to.be.instanceOf(UnsafeIntegerError);
    expect(await outcomes[1]).to.be.instanceOf(UnsafeIntegerError);
    expect(await rejectionOf(odd(3))).to.be.instanceOf(UnsafeIntegerError);
    expect(await idsOf()).to.deep.equal([1, 2, 3]);
  });

  it('but never with VACUUM, a PRAGMA or a schema change', async () => {
    await Promise.all([
      run(insert(1, 'a')),
      run(CompiledQuery.raw('vacuum', [])),
      run(CompiledQuery.raw('create table other (id integer)', [])),
      run(CompiledQuery.raw('pragma user_version = 3', [])),
      run(insert(2, 'b')),
    ]);
    expect(await idsOf()).to.deep.equal([1, 2]);
    expect(await provider.query('pragma user_version')).to.deep.equal([{ user_version: 3 }]);
  });

  it('and who waits too long for the writer, or is called off, leaves the line', async () => {
    const entered = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const held = provider.transaction(async (tx) => {
      await sql`select 1`.execute(tx);
      entered.resolve();
      await gate.promise;
    });
    await entered.promise;
    const controller = new AbortController();
    const aborted = provider.direct!.execute(insert(1), { signal: controller.signal });
    const late = run(insert(2, 'late'));
    controller.abort(new Error('enough'));
    expect(await rejectionOf(aborted)).to.have.property('message', 'enough');
    expect(provider.stats().waiting).to.equal(1);
    expect(await rejectionOf(late)).to.be.instanceOf(PoolTimeoutError);
    gate.resolve();
    await held;
    expect(await idsOf()).to.deep.equal([]);
    await run(insert(3, 'next'));
  });

  it('and a statement that shares with nobody keeps its place between them', async () => {
    await Promise.all([
      run(insert(1, 'a')),
      run(CompiledQuery.raw('create table seen as select id from notes')),
      run(insert(2, 'b')),
    ]);
    expect(await provider.query('select id from seen')).to.deep.equal([{ id: 1 }]);
  });

  it('as does a read, where one connection serves all', async () => {
    const url = await database.freshUrl();
    const single = DatabaseProviderFactory.createProvider({ url, pool: { max: 1 } });
    const add = () => single.exec('insert into numbers default values');
    await single.exec('create table numbers (id integer primary key)');
    const entered = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const held = single.transaction(() => {
      entered.resolve();
      return gate.promise;
    });
    await entered.promise;
    const all = Promise.all([add(), single.query('select count(*) as n from numbers'), add()]);
    gate.resolve();
    await held;
    const [, count] = await all;
    expect(count).to.deep.equal([{ n: 1 }]);
    await single.close();
  });

  it('and a read that turns out to write is not written once it was called off', async () => {
    const controller = new AbortController();
    const write = CompiledQuery.raw("with n (id) as (values (1)) insert into notes select id, 'a' from n");
    const error = rejectionOf(provider.direct!.execute(write, { signal: controller.signal }));
    controller.abort(new Error('enough'));
    expect(await error).to.have.property('message', 'enough');
    expect(await idsOf()).to.deep.equal([]);
  });

  it('and who is called off while another process holds the lock is told at once, and never written', async () => {
    const drop = CompiledQuery.raw('drop table children');
    const holder = await holdWriteLock(filename);
    for (const query of [insert(1, 'a'), drop]) {
      const controller = new AbortController();
      const error = rejectionOf(provider.direct!.execute(query, { signal: controller.signal }));
      await until(() => provider.stats().longestHold > 0);
      controller.abort(new Error('enough'));
      expect(await error).to.have.property('message', 'enough');
      await until(() => provider.stats().busy === 0);
    }
    await holder.release();
    expect(await idsOf()).to.deep.equal([]);
    expect(await provider.query('select * from children')).to.deep.equal([]);
  });

  it("and writes may wait for each other within another database's transaction", async () => {
    const other = DatabaseProviderFactory.createProvider({ url: await database.freshUrl() });
    const isHeld = () => provider.stats().longestHold > 0;
    try {
      await other.transaction(async () => {
        for (const first of [insert(1, 'a'), CompiledQuery.raw('analyze')]) {
          const holder = await holdWriteLock(filename);
          const controller = new AbortController();
          const gone = rejectionOf(provider.direct!.execute(first, { signal: controller.signal }));
          await until(isHeld);
          const second = run(CompiledQuery.raw('delete from notes'));
          controller.abort();
          await gone;
          await until(() => provider.stats().waiting === 0 && isHeld());
          const third = run(insert(2, 'b'));
          await holder.release();
          await Promise.all([second, third]);
        }
      });
    } finally {
      await other.close();
    }
    expect(await idsOf()).to.deep.equal([2]);
  });

  it('a batch that would end its own transaction does not run', async () => {
    const members = [insert(1, 'a'), CompiledQuery.raw('rollback'), insert(2, 'b')];
    expect(await rejectionOf(provider.direct!.batch(members))).to.be.instanceOf(QueryError);
    expect(await idsOf()).to.deep.equal([]);
  });

  it('a batch is all or nothing, at whichever place it fails', async () => {
    for (const place of range(4)) {
      const members = range(4).map((id) => insert(id, id === place ? 'taken' : `n${id}`));
      await run(insert(100, 'taken'));
      expect(await rejectionOf(provider.direct!.batch(members))).to.be.instanceOf(UniqueViolationError);
      expect(await idsOf()).to.deep.equal([100]);
      await provider.exec('delete from notes');
    }
    const results = await provider.direct!.batch([
      insert(1, 'a'),
      CompiledQuery.raw('select count(*) as n from notes', []),
      CompiledQuery.raw('create table made (id integer)', []),
    ]);
    expect(results[1]?.rows).to.deep.equal([{ n: 1 }]);
    expect(await provider.direct!.batch([])).to.deep.equal([]);
  });

  it('a batch of reads sees one snapshot', async () => {
    await run(insert(1, 'a'));
    const count = CompiledQuery.raw('select count(*) as n from notes', []);
    const [reads] = await Promise.all([provider.direct!.batch([count, count]), run(insert(2, 'b'))]);
    expect(reads[0]?.rows).to.deep.equal(reads[1]?.rows);
  });
});

import Database from 'better-sqlite3';
import { expect } from 'chai';
import { sql, type CompiledQuery } from 'kysely';
import { outside, UnitOfWork } from '../../../src/core/index.ts';
import { watchWrites } from '../../../src/core/provider/write-watch.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { openFamily, type FamilyProvider } from './family-tables.ts';
import { everyTag, RecordingWatcher } from './recording-watcher.ts';

const onPurpose = new Error('on purpose');

describeOnEachDatabase('the outcome of a write is told', (database) => {
  let provider: FamilyProvider;
  let watcher: Awaited<ReturnType<typeof RecordingWatcher.watch>>;
  const person = (id: number, name = `person ${id}`) => provider.db.insertInto('people').values({ id, name });

  beforeEach(async () => {
    provider = await openFamily(database);
    watcher = await RecordingWatcher.watch(provider);
  });
  afterEach(() => provider.close());

  it('as kept, once, behind a commit and behind a statement that stands alone', async () => {
    await person(1).execute();
    expect(watcher.outcomes).to.deep.equal(['kept']);
    await provider.transaction(async (tx) => {
      await tx.updateTable('people').set({ name: 'x' }).where('id', '=', 1).execute();
      await tx.deleteFrom('people').where('id', '=', 1).execute();
      expect(watcher.announced).to.equal(1);
    });
    expect(watcher.outcomes).to.deep.equal(['kept', 'kept']);
  });

  it('not at all behind a rollback, which announces nothing', async () => {
    const roll = { on: undefined as unknown };
    await rejectionOf(
      provider.transaction(async (tx) => {
        await tx.insertInto('people').values({ id: 1, name: 'a' }).execute();
        throw onPurpose;
      }),
    );
    await rejectionOf(
      provider.db.transaction().execute(async (tx) => {
        await tx.insertInto('people').values({ id: 1, name: 'a' }).execute();
        throw onPurpose;
      }),
    );
    await rejectionOf(
      provider.transaction(async (tx) => {
        await tx.insertInto('people').values({ id: 1, name: 'a' }).execute();
        roll.on = await rejectionOf(tx.insertInto('people').values({ id: 1, name: 'b' }).execute());
      }),
    );
    expect(roll.on).to.be.instanceOf(Error);
    expect([watcher.announced, watcher.outcomes, [...watcher.moved]]).to.deep.equal([0, [], []]);
  });

  it('as undone where a batch fails, and nothing is moved', async () => {
    await rejectionOf(provider.batch([person(1), person(1)]));
    expect([watcher.outcomes.includes('kept'), watcher.outcomes.includes('unknown')]).to.deep.equal([
      false,
      false,
    ]);
    expect([...watcher.moved]).to.deep.equal([]);
  });

  it('as undone where the commit itself is refused', async () => {
    await sql`create table late (id integer primary key, at integer references people deferrable initially deferred)`.execute(
      provider.db,
    );
    watcher.effects.forget();
    await watcher.effects.read();
    watcher.forget();
    await rejectionOf(
      provider.transaction((tx) => sql`insert into late (id, at) values (1, 99)`.execute(tx)),
    );
    expect(watcher.outcomes).to.deep.equal(['undone']);
  });

  it('as unknown where the caller has left', async () => {
    const controller = new AbortController();
    const { direct } = provider;
    const slow =
      provider.type === 'sqlite'
        ? sql`insert into people (id, name) values (1, 'a')`
        : sql`insert into people (id, name) select 1, 'a' from pg_sleep(30)`;
    const running = direct!.execute(slow.compile(provider.db), { signal: controller.signal });
    running.catch(() => {});
    controller.abort(onPurpose);
    await running.catch(() => {});
    if (provider.type !== 'sqlite') expect(watcher.outcomes).to.deep.equal(['unknown']);
    else expect(watcher.outcomes).to.have.length(1);
  });

  it('of no read', async () => {
    await provider.db.selectFrom('people').selectAll().execute();
    await provider.transaction((tx) => tx.selectFrom('people').selectAll().execute());
    await provider.db.connection().execute(async (db) => {
      await db.selectFrom('people').selectAll().execute();
      await db.transaction().execute((tx) => tx.selectFrom('people').selectAll().execute());
    });
    expect(watcher.announced).to.equal(0);
  });

  it('without what a scope that was undone has touched', async () => {
    const unitOfWork = new UnitOfWork(provider, { repositories: {} });
    await unitOfWork.run(async ({ db }) => {
      await db.insertInto('people').values({ id: 1, name: 'a' }).execute();
      await rejectionOf(
        unitOfWork.run(async (inner) => {
          await inner.db.insertInto('seats').values({ row: 1, place: 1, taken_by: null }).execute();
          await unitOfWork.run((third) =>
            third.db.insertInto('people').values({ id: 3, name: 'c' }).execute(),
          );
          throw onPurpose;
        }),
      );
      await unitOfWork.run((inner) => inner.db.insertInto('people').values({ id: 2, name: 'b' }).execute());
    });
    expect([...watcher.moved]).to.have.members(['r:people:id=1', 'r:people:id=2', 'l:people']);
  });

  it('again by the COMMIT of a transaction that was begun by SQL, and when its connection is given back', async () => {
    const { db } = provider;
    await db.connection().execute(async (kept) => {
      const say = (text: string) => kept.executeQuery({ ...person(1).compile(), sql: text, parameters: [] });
      await say('begin');
      await kept.executeQuery(person(1).compile());
      watcher.forget();
      await say('commit');
      expect([...watcher.moved]).to.include('r:people:id=1');
      await say('begin');
      await kept.executeQuery(person(2).compile());
      watcher.forget();
      await say('savepoint one');
      expect([...watcher.moved])
        .to.include('r:people:id=2')
        .and.not.include('r:people:id=1');
      await say('rollback');
      await say('begin');
      await kept.executeQuery(person(3).compile());
      await say('commit; ');
      watcher.forget();
    });
    expect([...watcher.moved]).to.include('r:people:id=3');
  });

  it('to whoever began to watch in the middle, as anything', async () => {
    watcher.end();
    let late: RecordingWatcher | undefined;
    await provider.transaction(async (tx) => {
      await tx.insertInto('people').values({ id: 1, name: 'a' }).execute();
      const reader = new RecordingWatcherForLate(watcher);
      watchWrites(provider, reader);
      late = watcher;
    });
    expect(late!.moved.has(everyTag)).to.equal(true);
  });

  it('to nobody who has ended it', async () => {
    await provider.transaction(async (tx) => {
      await tx.insertInto('people').values({ id: 1, name: 'a' }).execute();
      watcher.end();
    });
    await person(2).execute();
    expect(watcher.announced).to.equal(0);
  });

  it('to each of several, and one that fails makes no failure of the write', async () => {
    watchWrites(provider, {
      anything: {},
      touchedBy: () => ({}),
      committing: () => () => Promise.reject(onPurpose),
    });
    await person(1).execute();
    await provider.transaction((tx) => tx.insertInto('people').values({ id: 2, name: 'b' }).execute());
    expect(watcher.outcomes).to.deep.equal(['kept', 'kept']);
  });
});

/** The same watcher once more, since the one that ended is not heard of again. */
class RecordingWatcherForLate {
  readonly anything: object;
  readonly touchedBy: RecordingWatcher['touchedBy'];
  readonly committing: RecordingWatcher['committing'];

  constructor(watcher: RecordingWatcher) {
    this.anything = watcher.anything;
    this.touchedBy = (query) => watcher.touchedBy(query);
    this.committing = (touches) => watcher.committing(touches);
  }
}

describeOnEachDatabase('what accompanies a write', (database) => {
  let provider: FamilyProvider;
  let watcher: Awaited<ReturnType<typeof RecordingWatcher.watch>>;
  const seats = async () => (await provider.db.selectFrom('seats').selectAll().execute()).length;
  const companion = (row: number): CompiledQuery =>
    provider.db.insertInto('seats').values({ row, place: 1, taken_by: null }).compile();

  beforeEach(async () => {
    provider = await openFamily(database);
    watcher = await RecordingWatcher.watch(provider);
    let row = 0;
    watcher.companions = () => [companion((row += 1))];
  });
  afterEach(() => provider.close());

  it('is committed with it, on every way', async () => {
    const { db } = provider;
    const insert = (id: number) => db.insertInto('people').values({ id, name: `person ${id}` });
    await provider.direct!.execute(insert(1).compile());
    await insert(2).execute();
    await provider.batch([insert(3), insert(4)]);
    await provider.transaction((tx) => tx.executeQuery(insert(5).compile()));
    await db.transaction().execute((tx) => tx.executeQuery(insert(6).compile()));
    await db.connection().execute(async (kept) => {
      await kept.executeQuery(insert(7).compile());
      await kept.executeQuery({ ...insert(8).compile(), sql: 'begin', parameters: [] });
      await kept.executeQuery(insert(8).compile());
      await kept.executeQuery({ ...insert(8).compile(), sql: 'rollback', parameters: [] });
    });
    for await (const _ of db
      .updateTable('people')
      .set({ name: 'x' })
      .where('id', '=', 1)
      .returning('id')
      .stream(1));
    // Behind the ROLLBACK by SQL it comes once more: that one may have kept something.
    expect(await seats()).to.equal(8);
    expect(await provider.direct!.execute(insert(9).returning('id').compile())).to.have.deep.property(
      'rows',
      [{ id: 9 }],
    );
  });

  it('is undone with it, and undoes it', async () => {
    const { db } = provider;
    const insert = db.insertInto('people').values({ id: 1, name: 'a' });
    await insert.execute();
    await rejectionOf(provider.direct!.execute(insert.compile()));
    await rejectionOf(insert.execute());
    expect(await seats()).to.equal(1);
    watcher.companions = () => [companion(1)];
    const other = db.insertInto('people').values({ id: 2, name: 'b' });
    await rejectionOf(other.execute());
    await rejectionOf(provider.direct!.execute(other.compile()));
    await rejectionOf(provider.transaction((tx) => tx.executeQuery(other.compile())));
    expect((await db.selectFrom('people').selectAll().execute()).length).to.equal(1);
  });
});

describeOnDatabase('sqlite-file', 'a statement that fails and keeps a part', (database) => {
  it('is told as kept', async () => {
    const provider = await openFamily(database);
    const watcher = await RecordingWatcher.watch(provider);
    const insert = sql`insert or fail into people (id, name) values (1, 'a'), (2, 'a')`;
    await rejectionOf(provider.direct!.execute(insert.compile(provider.db)));
    expect(await provider.db.selectFrom('people').select('id').execute()).to.deep.equal([{ id: 1 }]);
    await rejectionOf(insert.execute(provider.db));
    expect(watcher.outcomes).to.deep.equal(['kept', 'kept']);
    await provider.close();
  });
});

describeOnEachDatabase('a statement that stands alone and fails', (database) => {
  it('is told as kept where it was sent: it may have kept a part', async () => {
    const provider = await openFamily(database);
    await sql`insert into people (id, name) values (1, 'old'), (2, 'old 2')`.execute(provider.db);
    const isPostgres = provider.type === 'postgres';
    await sql
      .raw(
        isPostgres
          ? `create procedure pr() language plpgsql as $$ begin update people set name = 'new' where id = 1; commit; raise exception 'no'; end $$`
          : `create trigger tr before update on people when new.id = 2 begin select raise(fail, 'no'); end`,
      )
      .execute(provider.db);
    const watcher = await RecordingWatcher.watch(provider);
    const failing = sql.raw(isPostgres ? 'call pr()' : `update people set name = 'new ' || id`);
    await rejectionOf(provider.direct!.execute(failing.compile(provider.db)));
    await rejectionOf(failing.execute(provider.db));
    const { rows } = await sql<{ name: string }>`select name from people where id = 1`.execute(provider.db);
    expect(rows[0]?.name).to.match(/^new/);
    expect(watcher.outcomes).to.deep.equal(['kept', 'kept']);
    await provider.close();
  });

  it('is told as kept where what accompanies it fails behind it, and stands in one transaction with it in spite of comments', async () => {
    const provider = await openFamily(database);
    const watcher = await RecordingWatcher.watch(provider);
    watcher.companions = () => [sql`insert into nowhere values (1)`.compile(provider.db)];
    const alone = sql`create table other (id integer)`.compile(provider.db);
    await rejectionOf(provider.direct!.execute(alone));
    expect(watcher.outcomes).to.deep.equal(['kept']);
    const traced = sql`/* traced */ -- by hand
      insert into people (id, name) values (1, 'a')`.compile(provider.db);
    await rejectionOf(provider.direct!.execute(traced));
    expect(watcher.outcomes).to.deep.equal(['kept', 'undone']);
    expect((await sql`select 1 from people`.execute(provider.db)).rows).to.deep.equal([]);
    await provider.close();
  });
});

describeOnDatabase('postgres', 'a statement that is accompanied', (database) => {
  it('frees whoever aborts it, and its outcome is unknown', async () => {
    const provider = await openFamily(database);
    await sql`insert into people (id, name) values (1, 'old')`.execute(provider.db);
    const watcher = await RecordingWatcher.watch(provider);
    watcher.companions = () => [sql`select 1`.compile(provider.db)];
    const update = sql`update people set name = 'new' where id = 1`.compile(provider.db);
    await provider.transaction(async (tx) => {
      await tx.executeQuery(sql`select 1 from people for update`.compile(tx));
      const controller = new AbortController();
      const { signal } = controller;
      const writing = rejectionOf(outside(() => provider.direct!.execute(update, { signal })));
      await sql`select pg_sleep(0.05)`.execute(tx);
      controller.abort();
      expect(await writing).to.equal(signal.reason);
      expect(watcher.outcomes).to.deep.equal(['unknown']);
    });
    await provider.close();
  });
});

describeOnDatabase('sqlite-file', 'a write is announced before anybody can see it', (database) => {
  it('on every way', async () => {
    const provider = await openFamily(database);
    const url = (await sql<{ file: string }>`select file from pragma_database_list`.execute(provider.db))
      .rows[0]!;
    const beside = new Database(url.file, { readonly: true });
    const count = beside.prepare('select count(*) from people').pluck();
    const watcher = await RecordingWatcher.watch(provider);
    const seen: unknown[] = [];
    watcher.onCommitting = () => void seen.push(count.get());
    const insert = (id: number) =>
      provider.db
        .insertInto('people')
        .values({ id, name: `person ${id}` })
        .compile();
    await provider.direct!.execute(insert(1));
    await provider.db.executeQuery(insert(2));
    await provider.direct!.batch([insert(3)]);
    await provider.transaction((tx) => tx.executeQuery(insert(4)));
    await provider.db.transaction().execute((tx) => tx.executeQuery(insert(5)));
    await provider.db.connection().execute((kept) => kept.executeQuery(insert(6)));
    watcher.end();
    await provider.transaction(async (tx) => {
      await tx.executeQuery(insert(7));
      watchWrites(provider, new RecordingWatcherForLate(watcher));
    });
    expect(seen).to.deep.equal([0, 1, 2, 3, 4, 5, 6]);
    beside.close();
    await provider.close();
  });
});

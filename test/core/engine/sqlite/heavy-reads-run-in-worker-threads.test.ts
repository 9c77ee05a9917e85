import { expect } from 'chai';
import * as fc from 'fast-check';
import { CompiledQuery, sql } from 'kysely';
import { Buffer } from 'node:buffer';
import type { Worker } from 'node:worker_threads';
import {
  ConnectionError,
  DatabaseProviderFactory,
  LiminalDataError,
  QueryError,
  ReadOnlyDatabaseError,
  StatementTimeoutError,
  UnsafeIntegerError,
  ValidationError,
  outside,
  type DatabaseProvider,
} from '../../../../src/core/index.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { soakCount } from '../../../support/engines.ts';
import { passMicrotasks } from '../../../support/microtasks.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { until } from '../../../support/until.ts';
import { describeEngineContract } from '../engine-contract.ts';

interface Tables {
  notes: { id: number; text: string; data: Uint8Array | null };
}

/**
 * Counts to a number, which takes SQLite some 30 ns each on a fast machine. What has to outlive a timeout takes twice as
 * long as that there, and no longer: a thread counts on to the end, whoever has given it up.
 */
const countTo = (limit: number) =>
  `with recursive n (i) as (select 1 union all select i + 1 from n where i < ${limit}) select count(*) as count from n`;

describeOnDatabase('sqlite-file', 'with worker threads', (database) => {
  const opened: DatabaseProvider<Tables>[] = [];
  const threads: Worker[] = [];
  const noteThread = (thread: Worker) => threads.push(thread);

  before(() => process.on('worker', noteThread));
  after(() => process.off('worker', noteThread));

  async function open(settings: object = {}): Promise<DatabaseProvider<Tables>> {
    const provider = DatabaseProviderFactory.createProvider<Tables>({
      url: `${await database.freshUrl()}?connection.workers=2`,
      ...settings,
    });
    opened.push(provider);
    await provider.exec('create table notes (id integer primary key, text text not null, data blob) strict');
    threads.length = 0;
    return provider;
  }

  afterEach(() => Promise.all(opened.splice(0).map((provider) => provider.close())));

  describe('the engine keeps its contract', () => {
    describeEngineContract(async () => `${await database.freshUrl()}?connection.workers=2`);
  });

  it('reads beside a write transaction start threads, and wait for each other', async () => {
    const provider = await open({ pool: { max: 2 } });
    const count = (limit: number) => outside(() => provider.query<{ count: number }>(countTo(limit)));
    const counts = await provider.transaction(async () => {
      await count(1);
      const heavy = count(3_000_000);
      await until(() => provider.stats().busy === 2);
      return Promise.all([heavy, count(1)]);
    });
    expect(counts).to.deep.equal([[{ count: 3_000_000 }], [{ count: 1 }]]);
  });

  it('a heavy read leaves the event loop to others, whose reads and writes go on', async () => {
    const provider = await open();
    let isDone = false;
    const heavy = provider.query(countTo(10_000_000)).finally(() => (isDone = true));
    await until(() => threads.length > 0);
    for (let id = 1; id <= 20; id += 1) {
      await provider.exec('insert into notes (id, text) values (?, ?)', [id, 'meanwhile']);
      expect(await provider.query('select count(*) as n from notes')).to.deep.equal([{ n: id }]);
    }
    expect(isDone).to.equal(false);
    expect(await heavy).to.deep.equal([{ count: 10_000_000 }]);
  });

  it('gives values, and errors, as without them', async () => {
    const provider = await open();
    const data = Buffer.from([1, 2, 3]);
    await provider.exec('insert into notes (id, text, data) values (?, ?, ?)', [1, 'ü', data]);
    const [note] = await provider.db.selectFrom('notes').selectAll().execute();
    expect(note).to.deep.equal({ id: 1, text: 'ü', data });
    expect(Buffer.isBuffer(note?.data)).to.equal(true);
    expect(await rejectionOf(provider.query('select nothing'))).to.be.instanceOf(QueryError);
    expect(await rejectionOf(provider.query('select 9007199254740993 as big'))).to.be.instanceOf(
      UnsafeIntegerError,
    );
    expect(await rejectionOf(provider.query('select ? as it', [() => 1]))).to.be.instanceOf(ValidationError);
    const written = provider.transaction((tx) => sql`delete from notes`.execute(tx), { readOnly: true });
    expect(await rejectionOf(written)).to.be.instanceOf(ReadOnlyDatabaseError);
    expect(await provider.query('select count(*) as n from notes')).to.deep.equal([{ n: 1 }]);
  });

  it('a read sees every write that was acknowledged before it', async () => {
    const provider = await open();
    let acknowledged = 0;
    const write = {
      alone: () => provider.exec('insert into notes (text) values (?)', ['x']),
      inTransaction: () =>
        provider.transaction((tx) =>
          tx
            .insertInto('notes')
            .values({ text: 'x' } as never)
            .execute(),
        ),
      inBatch: () => provider.batch([provider.db.insertInto('notes').values({ text: 'x' } as never)]),
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...Object.values(write)), { minLength: 1, maxLength: 8 }),
        async (writes) => {
          await Promise.all(
            writes.map(async (each) => {
              await each();
              acknowledged += 1;
              const expected = acknowledged;
              const [row] = await provider.query<{ n: number }>('select count(*) as n from notes');
              expect(row?.n).to.be.at.least(expected);
            }),
          );
        },
      ),
      { numRuns: soakCount(200) },
    );
  });

  it('a read that outlives statementTimeout frees its caller, and others go on', async () => {
    const provider = await open({ statementTimeout: 150 });
    await provider.query('select 1 as one');
    expect(await rejectionOf(provider.query(countTo(10_000_000)))).to.be.instanceOf(StatementTimeoutError);
    expect(await provider.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
    expect(await provider.exec('insert into notes (text) values (?)', ['x'])).to.equal(1);
  });

  it('refuses reads, and says why, while every thread is held up', async () => {
    const provider = await open({ statementTimeout: 50 });
    for (let thread = 0; thread < 2; thread += 1) {
      expect(await rejectionOf(provider.query(countTo(4_000_000)))).to.be.instanceOf(StatementTimeoutError);
    }
    const refused = await rejectionOf(provider.query('select 1 as one'));
    expect(refused).to.be.instanceOf(ConnectionError);
    expect((refused as Error).message).to.contain('statementTimeout');
    expect(await provider.exec('insert into notes (text) values (?)', ['x'])).to.equal(1);
  });

  it('a signal frees its caller while the thread starts, and the thread serves the next one', async () => {
    const provider = await open();
    const controller = new AbortController();
    const query = provider.db.selectFrom('notes').selectAll().compile();
    const read = provider.direct!.execute(query, { signal: controller.signal });
    await until(() => threads.length === 1);
    const reason = new Error('no longer needed');
    controller.abort(reason);
    expect(await rejectionOf(read)).to.equal(reason);
    expect(await provider.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
    expect(threads.length).to.equal(1);
  });

  it('a signal that fires at any moment of a read that fails leaves no failure that nobody hears', async () => {
    const provider = await open();
    const query = CompiledQuery.raw('select * from nowhere');
    await rejectionOf(provider.direct!.execute(query));
    const unheard: unknown[] = [];
    const hear = (error: unknown) => void unheard.push(error);
    const listeners = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection').on('unhandledRejection', hear);
    try {
      for (let moment = 0; moment < 40; moment += 1) {
        const controller = new AbortController();
        const { signal } = controller;
        const outcomes = [
          provider.direct!.execute(query, { signal }),
          provider.db.executeQuery(query, { signal }),
        ];
        const settled = Promise.allSettled(outcomes);
        await passMicrotasks(moment);
        controller.abort();
        await settled;
        await until(() => provider.stats().busy === 0);
        await new Promise((resolve) => setImmediate(resolve));
        expect(unheard, `behind ${moment} microtasks`).to.deep.equal([]);
      }
    } finally {
      process.off('unhandledRejection', hear);
      for (const listener of listeners) process.on('unhandledRejection', listener);
    }
  });

  it('a thread that dies is replaced, whatever it was at', async function () {
    // Each round starts a thread, which loads the driver.
    this.timeout(60_000);
    const provider = await open();
    for (let round = 0; round < soakCount(20); round += 1) {
      expect(await provider.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
      await Promise.all(threads.splice(0).map((thread) => thread.terminate()));
    }
  });

  it('a stream and a snapshot whose thread dies end with an error of this library, at once', async () => {
    const provider = await open();
    await provider.exec('insert into notes (text) values (?), (?), (?)', ['a', 'b', 'c']);
    const stream = provider.db.selectFrom('notes').select('text').orderBy('id').stream(1);
    expect(await stream.next()).to.deep.equal({ done: false, value: { text: 'a' } });
    await Promise.all(threads.splice(0).map((thread) => thread.terminate()));
    expect(await rejectionOf(stream.next())).to.be.instanceOf(LiminalDataError);
    const snapshot = provider.transaction(
      async (tx) => {
        await tx.selectFrom('notes').selectAll().execute();
        await Promise.all(threads.splice(0).map((thread) => thread.terminate()));
        return tx.selectFrom('notes').selectAll().execute();
      },
      { readOnly: true },
    );
    expect(await rejectionOf(snapshot)).to.be.instanceOf(LiminalDataError);
    expect(await provider.query('select count(*) as n from notes')).to.deep.equal([{ n: 3 }]);
    await until(() => provider.stats().busy === 0);
  });

  it('a read-only transaction sees one snapshot, whatever is written meanwhile', async () => {
    const provider = await open();
    await provider.transaction(
      async (tx) => {
        const count = () =>
          tx
            .selectFrom('notes')
            .select(sql<number>`count(*)`.as('n'))
            .execute();
        expect(await count()).to.deep.equal([{ n: 0 }]);
        await outside(() => provider.exec('insert into notes (text) values (?)', ['x']));
        expect(await count()).to.deep.equal([{ n: 0 }]);
      },
      { readOnly: true },
    );
    expect(await provider.query('select count(*) as n from notes')).to.deep.equal([{ n: 1 }]);
  });
});

/** The part of the engine contract about a statement that fails: its transaction comes to nothing. */
import { expect } from 'chai';
import { sql, type Kysely, type Transaction } from 'kysely';
import {
  TransactionAbortedError,
  UniqueViolationError,
  type DatabaseProvider,
} from '../../../src/core/index.ts';
import { rejectionOf } from '../../support/rejection.ts';

type Work<DB> = (tx: Transaction<DB>) => Promise<unknown>;
type Run = <DB>(provider: DatabaseProvider<DB>, work: Work<DB>) => Promise<unknown>;

/** The ways to a transaction; each commits when the work returns. */
const ways: Readonly<Record<string, Run>> = {
  'provider.transaction': (provider, work) => provider.transaction(work),
  'db.transaction()': (provider, work) => provider.db.transaction().execute(work),
  'db.startTransaction()': async (provider, work) => {
    const tx = await provider.db.startTransaction().execute();
    try {
      await work(tx);
    } catch (error) {
      await tx.rollback().execute();
      throw error;
    }
    await tx.commit().execute();
  },
  'db.connection() and its transaction()': (provider, work) =>
    provider.db.connection().execute((db) => db.transaction().execute(work)),
};

/**
 * Declares the suite inside the running `describe`.
 *
 * @param open makes a provider on a new database, which the caller closes
 */
export function describeFailedTransaction<DB>(
  open: (settings: object) => Promise<DatabaseProvider<DB>>,
): void {
  async function openWithEntries(): Promise<DatabaseProvider<DB>> {
    const provider = await open({ pool: { max: 1 } });
    await provider.exec('create table entries (id integer not null primary key)');
    await addEntry(provider.db, 0);
    return provider;
  }

  for (const [way, run] of Object.entries(ways)) {
    describe(way, () => {
      it('runs nothing more after the first failure, and tells it each time', async () => {
        const provider = await openWithEntries();
        let failure: unknown;
        const outcome = run(provider, async (tx) => {
          await addEntry(tx, 1);
          failure = await rejectionOf(addEntry(tx, 0));
          for (const late of [
            addEntry(tx, 2),
            sql`select nothing`.execute(tx),
            sql`savepoint a`.execute(tx),
          ]) {
            const error = await abortionOf(late);
            expect(error.cause).to.equal(failure);
            expect(error.message).to.contain((failure as Error).message);
          }
        });
        expect((await abortionOf(outcome)).cause).to.equal(failure);
        expect(failure).to.be.instanceOf(UniqueViolationError);
        await expectOnlyTheFirst(provider);
      });

      it('is rolled back where nobody heard of the failure of its last statement', async () => {
        const provider = await openWithEntries();
        const outcome = run(provider, async (tx) => {
          await addEntry(tx, 1);
          addEntry(tx, 0).catch(() => {});
        });
        expect((await abortionOf(outcome)).cause).to.be.instanceOf(UniqueViolationError);
        await expectOnlyTheFirst(provider);
      });

      it('goes on where a rollback to a savepoint has undone the failure', async () => {
        const provider = await openWithEntries();
        await run(provider, async (tx) => {
          await addEntry(tx, 1);
          for (const undo of ['rollback to a', '/* back */ ROLLBACK TRANSACTION TO SAVEPOINT a']) {
            await sql`savepoint a`.execute(tx);
            await addEntry(tx, 2);
            await rejectionOf(addEntry(tx, 0));
            await sql.raw(undo).execute(tx);
            await sql`release a`.execute(tx);
          }
          await addEntry(tx, 3);
        });
        expect(await idsOf(provider)).to.deep.equal([0, 1, 3]);
      });

      it('does not go on where there is no such savepoint', async () => {
        const provider = await openWithEntries();
        const outcome = run(provider, async (tx) => {
          const failure = await rejectionOf(addEntry(tx, 0));
          await rejectionOf(sql`rollback to nowhere`.execute(tx));
          expect((await abortionOf(addEntry(tx, 1))).cause).to.equal(failure);
        });
        await abortionOf(outcome);
        await expectOnlyTheFirst(provider);
      });

      it('goes on behind a statement that its caller aborted before it was sent', async () => {
        const provider = await openWithEntries();
        const reason = new Error('no longer needed');
        await run(provider, async (tx) => {
          const controller = new AbortController();
          const before = addEntry(tx, 1);
          const statement = sql`insert into entries (id) values (0)`.compile(tx);
          const waiting = tx.executeQuery(statement, { signal: controller.signal });
          controller.abort(reason);
          expect(await rejectionOf(waiting)).to.equal(reason);
          await before;
          await addEntry(tx, 2);
        });
        expect(await idsOf(provider)).to.deep.equal([0, 1, 2]);
      });

      it('counts the failure of a stream as well', async () => {
        const provider = await openWithEntries();
        const outcome = run(provider, async (tx) => {
          await addEntry(tx, 1);
          const stream = tx.getExecutor().stream(sql`select nothing from entries`.compile(tx), 1);
          await rejectionOf(stream[Symbol.asyncIterator]().next());
        });
        await abortionOf(outcome);
        await expectOnlyTheFirst(provider);
      });
    });
  }

  it('a stream that is open gives no further chunk', async () => {
    const provider = await openWithEntries();
    const outcome = provider.transaction(async (tx) => {
      for (let id = 1; id <= 3; id += 1) await addEntry(tx, id);
      const query = sql`select id from entries`.compile(tx);
      const stream = tx.getExecutor().stream(query, 1)[Symbol.asyncIterator]();
      await stream.next();
      const failure = await rejectionOf(addEntry(tx, 0));
      expect((await abortionOf(stream.next())).cause).to.equal(failure);
    });
    await abortionOf(outcome);
    await expectOnlyTheFirst(provider);
  });

  it('by hand, a savepoint of Kysely undoes a failure as well', async () => {
    const provider = await openWithEntries();
    const tx = await provider.db.startTransaction().execute();
    const inner = await tx.savepoint('a').execute();
    await rejectionOf(addEntry(inner, 0));
    await (await inner.rollbackToSavepoint('a').execute()).releaseSavepoint('a').execute();
    await addEntry(tx, 1);
    await tx.commit().execute();
    expect(await idsOf(provider)).to.deep.equal([0, 1]);
  });

  it('the next transaction of the same connection knows nothing of it', async () => {
    const provider = await openWithEntries();
    await provider.db.connection().execute(async (db) => {
      for (let id = 1; id <= 3; id += 1) {
        const failed = db.transaction().execute((tx) => rejectionOf(addEntry(tx, 0)));
        await abortionOf(failed);
        await rejectionOf(addEntry(db, 0));
        await db.transaction().execute((tx) => addEntry(tx, id));
      }
    });
    expect(await idsOf(provider)).to.deep.equal([0, 1, 2, 3]);
  });

  async function expectOnlyTheFirst(provider: DatabaseProvider<DB>): Promise<void> {
    expect(await idsOf(provider)).to.deep.equal([0]);
    expect(provider.stats()).to.include({ busy: 0, waiting: 0 });
    await addEntry(provider.db, 9);
  }
}

async function abortionOf(promise: Promise<unknown>): Promise<TransactionAbortedError> {
  const error = await rejectionOf(promise);
  expect(error).to.be.instanceOf(TransactionAbortedError);
  return error as TransactionAbortedError;
}

async function addEntry<DB>(db: Kysely<DB>, id: number): Promise<void> {
  await sql`insert into entries (id) values (${id})`.execute(db);
}

async function idsOf<DB>(provider: DatabaseProvider<DB>): Promise<number[]> {
  const rows = await provider.query<{ id: number }>('select id from entries order by id');
  return rows.map(({ id }) => id);
}

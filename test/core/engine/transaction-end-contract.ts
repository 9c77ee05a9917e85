/** The part of the engine contract about the end of a transaction: no statement of it runs behind it. */
import { expect } from 'chai';
import fc from 'fast-check';
import { sql, type CompiledQuery, type Kysely } from 'kysely';
import { TransactionClosedError, type DatabaseProvider } from '../../../src/core/index.ts';
import type { ProviderKysely } from '../../../src/core/provider/provider-kysely.ts';
import { soakCount } from '../../support/engines.ts';
import { passMicrotasks } from '../../support/microtasks.ts';
import { rejectionOf } from '../../support/rejection.ts';

/** How the branches of a `Promise.all` run: microtasks between statements are what decides who slips in. */
const branches = fc.record({
  count: fc.integer({ min: 2, max: 6 }),
  steps: fc.integer({ min: 1, max: 4 }),
  failing: fc.nat({ max: 23 }),
  pause: fc.nat({ max: 12 }),
});

/**
 * Declares the suite inside the running `describe`.
 *
 * @param open makes a provider on a new database, which the caller closes
 */
export function describeTransactionEnd<DB>(open: (settings: object) => Promise<DatabaseProvider<DB>>): void {
  async function openWithEntries(): Promise<DatabaseProvider<DB>> {
    const provider = await open({ pool: { max: 1 } });
    await provider.exec('create table entries (id integer not null primary key)');
    await provider.exec('insert into entries values (0)');
    return provider;
  }

  it('a rollback leaves nothing behind, whichever branch of a Promise.all goes on', async () => {
    const provider = await openWithEntries();
    await fc.assert(
      fc.asyncProperty(branches, async ({ count, steps, failing, pause }) => {
        const settled: Promise<unknown>[] = [];
        const outcome = provider.transaction(async (tx) => {
          const work = Array.from({ length: count }, async (_, branch) => {
            for (let step = 0; step < steps; step += 1) {
              const fails = branch * steps + step === failing % (count * steps);
              await addEntry(tx, fails ? 0 : 1 + branch * steps + step);
              if (branch !== Math.floor(failing / steps) % count) await passMicrotasks(pause);
            }
          });
          settled.push(Promise.allSettled(work));
          await Promise.all(work);
        });
        await rejectionOf(outcome);
        await Promise.all(settled);
        expect(await idsOf(provider)).to.deep.equal([0]);
      }),
      { numRuns: soakCount(2_000) },
    );
  });

  for (const ending of ['commit', 'rollback'] as const) {
    it(`a statement that comes late is in before ${ending}, or refused`, async () => {
      const provider = await openWithEntries();
      for (let delay = 0; delay < 60; delay += 1) {
        const id = delay + 1;
        let late: Promise<unknown> = Promise.resolve();
        const outcome = provider.transaction(async (tx) => {
          await addEntry(tx, -id);
          late = passMicrotasks(delay)
            .then(() => addEntry(tx, id))
            .then(
              () => 'in',
              (error: unknown) => error,
            );
          if (ending === 'rollback') throw new Error('mine');
        });
        await outcome.catch(() => undefined);
        const isIn = (await late) === 'in';
        const kept = await idsOf(provider);
        expect(kept.includes(-id)).to.equal(ending === 'commit');
        expect(kept.includes(id)).to.equal(ending === 'commit' && isIn);
      }
      expect(provider.stats()).to.include({ busy: 0 });
    });
  }

  it('a transaction by hand refuses what comes while it ends', async () => {
    const provider = await openWithEntries();
    for (let delay = 0; delay < 20; delay += 1) {
      const tx = await provider.db.startTransaction().execute();
      const rollback = tx.rollback().execute();
      const late = passMicrotasks(delay).then(() => addEntry(tx, 1));
      expect(await rejectionOf(late)).to.be.instanceOf(Error);
      await rollback;
      expect(await idsOf(provider)).to.deep.equal([0]);
    }
  });

  for (const ending of ['commitTransaction', 'rollbackTransaction'] as const) {
    it(`a statement just behind ${ending} of the driver waits, and is refused once its connection is given back`, async () => {
      const provider = await openWithEntries();
      const { driver } = (provider.db as ProviderKysely<DB>).config.dialect;
      const endAndGiveBack = async (delay: number): Promise<unknown> => {
        const connection = await driver.acquireConnection();
        await driver.beginTransaction(connection, {});
        await driver[ending](connection);
        const late = rejectionOf(connection.executeQuery(addEntryQuery(provider.db, 1)));
        await passMicrotasks(delay);
        await driver.releaseConnection(connection);
        return late;
      };
      // Also where several end within one turn of the event loop.
      for (let delay = 0; delay < 20; delay += 1) {
        expect(await endAndGiveBack(delay)).to.be.instanceOf(TransactionClosedError);
      }
      expect(await idsOf(provider)).to.deep.equal([0]);
    });
  }

  it('a stream of a transaction ends with it', async () => {
    const provider = await openWithEntries();
    await addEntry(provider.db, 1);
    let stream: AsyncIterator<unknown> | undefined;
    await provider.transaction(async (tx) => {
      const query = sql<{ id: number }>`select id from entries`.compile(tx);
      stream = tx.getExecutor().stream(query, 1)[Symbol.asyncIterator]();
      await stream.next();
    });
    const rest = (async () => {
      while ((await stream?.next())?.done === false);
    })();
    expect(await rejectionOf(rest)).to.be.instanceOf(TransactionClosedError);
  });

  it('a connection that its holder keeps goes on behind each transaction', async () => {
    const provider = await openWithEntries();
    await provider.db.connection().execute(async (db) => {
      for (let id = 1; id <= 40; id += 4) {
        await db.transaction().execute((tx) => addEntry(tx, id));
        const undone = db.transaction().execute(async (tx) => {
          await addEntry(tx, id + 1);
          throw new Error('mine');
        });
        expect(await rejectionOf(undone)).to.have.property('message', 'mine');
        await addEntry(db, id + 2);
        await db.transaction().execute((tx) => addEntry(tx, id + 3));
      }
    });
    expect(await idsOf(provider)).to.have.lengthOf(1 + 30);
  });
}

async function addEntry<DB>(db: Kysely<DB>, id: number): Promise<void> {
  await sql`insert into entries (id) values (${id})`.execute(db);
}

function addEntryQuery<DB>(db: Kysely<DB>, id: number): CompiledQuery {
  return sql`insert into entries (id) values (${id})`.compile(db);
}

async function idsOf<DB>(provider: DatabaseProvider<DB>): Promise<number[]> {
  const rows = await provider.query<{ id: number }>('select id from entries');
  return rows.map(({ id }) => id);
}

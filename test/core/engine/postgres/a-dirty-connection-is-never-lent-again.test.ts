import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { expect } from 'chai';
import { sql } from 'kysely';
import {
  TransactionAbortedError,
  TransactionClosedError,
  UniqueViolationError,
} from '../../../../src/core/index.ts';
import { soakCount } from '../../../support/engines.ts';
import { passMicrotasks } from '../../../support/microtasks.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { describeOnPostgres } from './postgres-harness.ts';

describeOnPostgres('a dirty connection is never lent again', (postgres) => {
  it('is closed when it comes back inside of a transaction', async () => {
    const provider = await postgres.openWithItems({ pool: { max: 1 } });
    const before = await backendOf(provider);
    await provider.db.connection().execute(async (db) => {
      await sql`begin`.execute(db);
      await sql`insert into items values (1, 'left open')`.execute(db);
    });
    expect(await backendOf(provider)).not.to.equal(before);
    expect(await provider.query('select * from items')).to.deep.equal([]);
    expect(provider.stats()).to.include({ retired: 1, created: 2 });
  });

  it('is kept when it comes back clean', async () => {
    const provider = await postgres.openWithItems({ pool: { max: 1 } });
    const before = await backendOf(provider);
    await rejectionOf(provider.query('select 1 / 0'));
    await rejectionOf(
      provider.transaction(async (tx) => {
        await sql`select 1 / 0`.execute(tx);
      }),
    );
    expect(await backendOf(provider)).to.equal(before);
  });

  it('after a failed statement COMMIT is refused, and Kysely lets go of the connection', async () => {
    const provider = await postgres.openWithItems({ pool: { max: 1 } });
    const swallowed = await rejectionOf(
      provider.transaction(async (tx) => {
        await tx.insertInto('items').values({ id: 1, name: 'lost' }).execute();
        await sql`select 1 / 0`.execute(tx).catch(() => undefined);
      }),
    );
    expect(swallowed).to.be.instanceOf(TransactionAbortedError);
    const controlled = await provider.db.startTransaction().execute();
    await rejectionOf(sql`select 1 / 0`.execute(controlled));
    expect(await rejectionOf(sql`select 1`.execute(controlled))).to.be.instanceOf(TransactionAbortedError);
    expect(await rejectionOf(controlled.commit().execute())).to.be.instanceOf(TransactionAbortedError);
    expect(await provider.query('select * from items')).to.deep.equal([]);
    expect(provider.stats()).to.include({ busy: 0 });
  });

  it('raises what a deferred constraint says at COMMIT, and goes on', async () => {
    const provider = await postgres.open({ pool: { max: 1 } });
    await provider.exec('create table pairs (id integer unique deferrable initially deferred)');
    const twice = provider.transaction(async (tx) => {
      await sql`insert into pairs values (1), (1)`.execute(tx);
    });
    expect(await rejectionOf(twice)).to.be.instanceOf(UniqueViolationError);
    expect(await provider.query('select * from pairs')).to.deep.equal([]);
    expect(provider.stats()).to.include({ created: 1, retired: 0 });
  });

  it('no statement of a transaction runs behind its end', async () => {
    const provider = await postgres.openWithItems({ pool: { max: 2 } });
    for (let delay = 0; delay < soakCount(400); delay += 1) {
      const late: Promise<unknown>[] = [];
      const failure = rejectionOf(
        provider.transaction(async (tx) => {
          const add = (id: number) => {
            const insert = tx
              .insertInto('items')
              .values({ id: delay * 10 + id, name: 'escaped' })
              .execute();
            late.push(insert.catch((error: unknown) => error));
            return insert;
          };
          await Promise.all([
            add(0),
            add(1),
            add(2),
            add(3),
            add(4),
            sql`select pg_sleep(${delay / 10_000})`.execute(tx).then(() => sql`select 1 / 0`.execute(tx)),
            giveUpAfter(delay),
          ]);
        }),
      );
      await failure;
      for (const outcome of await Promise.all(late)) {
        if (outcome instanceof Error && !/already/.test(outcome.message)) {
          expect(outcome).to.satisfy(
            (error: unknown) =>
              error instanceof TransactionClosedError || error instanceof TransactionAbortedError,
          );
        }
      }
      expect(await provider.query('select * from items')).to.deep.equal([]);
    }
  });

  it('no statement slips in behind the answer to ROLLBACK', async () => {
    const provider = await postgres.openWithItems({ pool: { max: 1 } });
    for (let delay = 0; delay < 40; delay += 1) {
      let late: Promise<unknown> = Promise.resolve();
      const failure = provider.transaction(async (tx) => {
        await tx.insertInto('items').values({ id: 0, name: null }).execute();
        onNextAnswer(() => {
          late = passMicrotasks(delay)
            .then(() => tx.insertInto('items').values({ id: 1, name: 'escaped' }).execute())
            .catch((error: unknown) => error);
        });
        throw new Error('mine');
      });
      expect(await rejectionOf(failure)).to.have.property('message', 'mine');
      expect(await late).to.be.instanceOf(Error);
      expect(await provider.query('select * from items')).to.deep.equal([]);
    }
  });

  it('a connection that was pinned may run one transaction after the other', async () => {
    const provider = await postgres.openWithItems({ pool: { max: 1 } });
    await provider.db.connection().execute(async (db) => {
      await rejectionOf(
        db.transaction().execute(async (tx) => {
          await tx.insertInto('items').values({ id: 1, name: null }).execute();
          throw new Error('no');
        }),
      );
      await db.insertInto('items').values({ id: 2, name: null }).execute();
      await db.transaction().execute((tx) => tx.insertInto('items').values({ id: 3, name: null }).execute());
    });
    expect(await provider.query('select id from items order by id')).to.deep.equal([{ id: 2 }, { id: 3 }]);
  });
});

/** Calls back once, when a socket has handed out the next piece of data: no turn of the event loop is that early. */
function onNextAnswer(callback: () => void): void {
  Socket.prototype.emit = function (this: Socket, event: string | symbol, ...details: unknown[]) {
    const handled = Duplex.prototype.emit.call(this, event, ...details);
    if (event === 'data') {
      Reflect.deleteProperty(Socket.prototype, 'emit');
      callback();
    }
    return handled;
  } as Socket['emit'];
}

async function backendOf(provider: {
  query<Row>(text: string): Promise<Row[]>;
}): Promise<number | undefined> {
  const [row] = await provider.query<{ pid: number }>('select pg_backend_pid() as pid');
  return row?.pid;
}

/** Rejects after some turns of the event loop, so that the transaction ends at a moment of its own. */
async function giveUpAfter(turns: number): Promise<never> {
  for (let turn = 0; turn < turns % 40; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  throw new Error('given up');
}

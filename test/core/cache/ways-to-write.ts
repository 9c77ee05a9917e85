/** Every way on which statements go to the database, with its ends. */
import type { CompiledQuery, Kysely, Transaction } from 'kysely';
import { UnitOfWork } from '../../../src/core/index.ts';
import { SerializationFailureError } from '../../../src/core/foundation/errors/transaction-errors.ts';
import { gatherForCommit } from '../../../src/core/provider/transaction-hooks.ts';
import { integerBetween, type Random } from '../../support/seeded-random.ts';
import type { FamilyProvider, FamilyTables } from './family-tables.ts';

type Write = () => CompiledQuery;

/** Sends some statements. What it throws is what the database or its own end says. */
export type WayToWrite = (provider: FamilyProvider, write: Write, random: Random) => Promise<unknown>;

const onPurpose = new Error('on purpose');

async function send(db: Kysely<FamilyTables>, write: Write, random: Random): Promise<void> {
  for (let left = integerBetween(random, 1, 4); left > 0; left -= 1) await db.executeQuery(write());
}

/** Goes through to its end, or throws. */
function end(random: Random): void {
  if (random() < 0.3) throw onPurpose;
}

async function sendNested(
  unitOfWork: UnitOfWork<FamilyTables, object>,
  write: Write,
  random: Random,
  depth: number,
): Promise<void> {
  await unitOfWork
    .run(async ({ db }) => {
      await send(db, write, random);
      if (depth > 0) await sendNested(unitOfWork, write, random, depth - 1).catch(() => {});
      if (random() < 0.5) await send(db, write, random);
      end(random);
    })
    .catch(() => {});
}

/** No time at all, or up to what a statement takes. */
async function pause(random: Random): Promise<void> {
  for (let turns = integerBetween(random, 0, 30); turns > 0; turns -= 1) await Promise.resolve();
  for (let turns = integerBetween(random, 0, 40) - 10; turns > 0; turns -= 1) await new Promise(setImmediate);
}

async function drain(chunks: AsyncIterable<unknown>, random: Random): Promise<void> {
  for await (const _ of chunks) if (random() < 0.5) break;
}

const returning = (provider: FamilyProvider, random: Random) =>
  provider.db
    .updateTable('notes')
    .set({ text: String(random()) })
    .where('room', '=', integerBetween(random, 1, 5))
    .returning('id');

/** Takes part in commits by writing. */
const participant = {
  async beforeCommit(db: Transaction<never>, writes: readonly CompiledQuery[]): Promise<void> {
    for (const write of writes) await db.executeQuery(write);
  },
};

export const waysToWrite: Readonly<Record<string, WayToWrite>> = {
  directly: (provider, write) => provider.direct!.execute(write()),
  'directly, several at once': (provider, write) =>
    Promise.allSettled([write(), write(), write()].map((query) => provider.direct!.execute(query))),
  'as a batch': (provider, write) => provider.direct!.batch([write(), write(), write()]),
  'by Kysely': (provider, write) => provider.db.executeQuery(write()),
  'by exec': (provider, _, random) =>
    provider.exec('update notes set text = ? where id = ?', [String(random()), integerBetween(random, 1, 5)]),
  'as a stream': (provider, _, random) => drain(returning(provider, random).stream(1), random),
  'in a transaction': (provider, write, random) =>
    provider.transaction(async (tx) => {
      await send(tx, write, random);
      end(random);
    }),
  'as a stream in a transaction': (provider, write, random) =>
    provider.transaction(async (tx) => {
      const { sql, parameters, query, queryId } = returning(provider, random).compile();
      await drain(tx.getExecutor().stream({ sql, parameters, query, queryId }, 1), random);
      if (random() < 0.3) await send(tx, write, random);
      end(random);
    }),
  'in units inside of each other': (provider, write, random) =>
    sendNested(new UnitOfWork(provider, { repositories: {} }), write, random, 2),
  'in a unit that runs again': (provider, write, random) => {
    let runs = 0;
    return new UnitOfWork(provider, { repositories: {} }).run(
      async ({ db }) => {
        await send(db, write, random);
        runs += 1;
        if (runs === 1) throw new SerializationFailureError('made up', { cause: onPurpose });
      },
      { retry: { attempts: 3, baseDelay: 0.1 } },
    );
  },
  'in a unit that is ended by hand': async (provider, write, random) => {
    const unit = await new UnitOfWork(provider, { repositories: {} }).begin();
    try {
      await send(unit.db, write, random);
      end(random);
      await unit.commit();
    } catch (error) {
      await unit.rollback();
      throw error;
    }
  },
  'by who takes part in a commit': (provider, write, random) =>
    provider.transaction(async (tx) => {
      gatherForCommit(tx, participant, write());
      if (random() < 0.5) await send(tx, write, random);
      end(random);
    }),
  "in a transaction of Kysely's": (provider, write, random) =>
    provider.db.transaction().execute(async (tx) => {
      await send(tx, write, random);
      end(random);
    }),
  "in one of Kysely's with savepoints": async (provider, write, random) => {
    const tx = await provider.db.startTransaction().execute();
    try {
      await send(tx, write, random);
      const saved = await tx.savepoint('one').execute();
      await send(saved, write, random);
      if (random() < 0.5) await saved.rollbackToSavepoint('one').execute();
      else await saved.releaseSavepoint('one').execute();
      if (random() < 0.5) await send(tx, write, random);
      end(random);
      await tx.commit().execute();
    } catch (error) {
      await tx.rollback().execute();
      throw error;
    }
  },
  'on a kept connection': (provider, write, random) =>
    provider.db.connection().execute((db) => send(db, write, random)),
  'on a kept connection that begins by SQL': (provider, write, random) =>
    provider.db.connection().execute(async (db) => {
      const say = (text: string) => db.executeQuery({ ...write(), sql: text, parameters: [] });
      await say('begin');
      try {
        await send(db, write, random);
        await say('savepoint "One"');
        await send(db, write, random);
        if (random() < 0.5) await say('rollback to savepoint "One"');
        if (random() < 0.5) await send(db, write, random);
        end(random);
        await say(random() < 0.5 ? 'commit' : '/* the */ COMMIT;');
      } catch (error) {
        await say('rollback');
        throw error;
      }
      if (random() < 0.5) await send(db, write, random);
    }),
  'with savepoints by SQL in a transaction': (provider, write, random) =>
    provider.transaction(async (tx) => {
      const say = (text: string) => tx.executeQuery({ ...write(), sql: text, parameters: [] });
      await send(tx, write, random);
      await say('savepoint one');
      await send(tx, write, random);
      await say('SAVEPOINT "one"');
      await send(tx, write, random);
      await say(random() < 0.5 ? 'rollback to one' : 'release savepoint one');
      await send(tx, write, random);
      if (random() < 0.5) await say('rollback /* back */ to one');
      end(random);
    }),
  'aborted at some moment': async (provider, write, random) => {
    const controller = new AbortController();
    const running = provider.transaction(
      async (tx) => {
        await send(tx, write, random);
        await send(tx, write, random);
      },
      { signal: controller.signal },
    );
    running.catch(() => {});
    await pause(random);
    controller.abort(onPurpose);
    await running;
  },
  'alone, and aborted': async (provider, write, random) => {
    const controller = new AbortController();
    const running = provider.direct!.execute(write(), { signal: controller.signal });
    running.catch(() => {});
    await pause(random);
    controller.abort(onPurpose);
    await running;
  },
};

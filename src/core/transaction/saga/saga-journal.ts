import type { Kysely, Updateable } from 'kysely';
import type { Clock } from '../../foundation/clock.ts';
import { LeaseLostError } from '../../foundation/errors/saga-errors.ts';
import type { SagaLease } from './saga-lease.ts';
import type { SagaProvider, SagasTable, SagaStepsTable, SagaTables } from './saga-tables.ts';

/** What a runner that looks for abandoned sagas needs to see of each. */
export type SagaLeaseRow = Pick<SagasTable, 'id' | 'owner' | 'fence' | 'heartbeat'>;

/** A saga as the journal has it. */
export interface JournaledSaga {
  readonly saga: Readonly<SagasTable>;
  readonly steps: readonly Readonly<SagaStepsTable>[];
}

/** What one write of the journal changes. */
export interface SagaWrite {
  readonly saga?: Readonly<Updateable<SagasTable>>;
  readonly step?: Readonly<SagaStepsTable>;
}

/** The statuses of sagas that somebody has to carry on. */
const unfinished = ['running', 'compensating'] as const;

/** How many leases one statement names at most: every engine takes as many parameters. */
const leasesPerBeat = 500;

/**
 * The durable state of sagas. Whoever holds a lease writes by its fence, and a write whose fence is older
 * than the row's changes nothing and is a LeaseLostError. Each write is a short transaction; it may be
 * repeated where nobody knows whether it was committed, since it says what is and not what changes.
 */
export class SagaJournal {
  readonly #provider: SagaProvider<SagaTables>;
  readonly #clock: Clock;

  constructor(provider: SagaProvider<SagaTables>, clock: Clock) {
    this.#provider = provider;
    this.#clock = clock;
  }

  get #db(): Kysely<SagaTables> {
    return this.#provider.db;
  }

  /** Stores a new saga. @returns false where one of that id or idempotency key is there already */
  start(row: SagasTable): Promise<boolean> {
    return this.#provider.transaction(async (tx) => {
      const { numInsertedOrUpdatedRows = 0n } = await tx
        .insertInto('sagas')
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirstOrThrow();
      return numInsertedOrUpdatedRows > 0n;
    });
  }

  /** Finds the sagas that keep a new one from being stored. */
  findRivals(id: string, name: string, idempotencyKey: string | null): Promise<SagasTable[]> {
    return this.#db
      .selectFrom('sagas')
      .selectAll()
      .where((where) =>
        where.or([
          where('id', '=', id),
          ...(idempotencyKey === null
            ? []
            : [where.and([where('name', '=', name), where('idempotency_key', '=', idempotencyKey)])]),
        ]),
      )
      .execute();
  }

  /** Finds one saga without its steps. */
  find(id: string): Promise<SagasTable | undefined> {
    return this.#db.selectFrom('sagas').selectAll().where('id', '=', id).executeTakeFirst();
  }

  /** Reads a saga with its steps. */
  load(id: string): Promise<JournaledSaga | undefined> {
    return loadSaga(this.#db, id);
  }

  /** Lists the leases of all sagas of these names that have to be carried on. */
  async listUnfinished(names: readonly string[]): Promise<SagaLeaseRow[]> {
    if (names.length === 0) return [];
    return this.#db
      .selectFrom('sagas')
      .select(['id', 'owner', 'fence', 'heartbeat'])
      .where('status', 'in', unfinished)
      .where('name', 'in', names)
      .orderBy('updated_at')
      .execute();
  }

  /** Takes a saga over, where it is still as it was seen. @returns its state under the new fence */
  claim(seen: SagaLeaseRow, owner: string): Promise<JournaledSaga | undefined> {
    return this.#provider.transaction(async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('sagas')
        .set({ owner, fence: seen.fence + 1, heartbeat: seen.heartbeat + 1, updated_at: this.#clock.now() })
        .where('id', '=', seen.id)
        .where('fence', '=', seen.fence)
        .where('heartbeat', '=', seen.heartbeat)
        .where('status', 'in', unfinished)
        .executeTakeFirstOrThrow();
      return numUpdatedRows === 0n ? undefined : loadSaga(tx, seen.id);
    });
  }

  /** Moves the heartbeats. @returns the leases that are no longer the owner's */
  beat(owner: string, leases: readonly SagaLease[]): Promise<SagaLease[]> {
    return findMissing(leases, (ids) =>
      this.#db
        .updateTable('sagas')
        .set(({ eb }) => ({ heartbeat: eb('heartbeat', '+', 1) }))
        .where('owner', '=', owner)
        .where('id', 'in', ids)
        .returning(['id', 'fence'])
        .execute(),
    );
  }

  /** Finds the leases that are no longer the owner's. It reads, and moves nothing. */
  findLost(owner: string, leases: readonly SagaLease[]): Promise<SagaLease[]> {
    return findMissing(leases, (ids) =>
      this.#db
        .selectFrom('sagas')
        .select(['id', 'fence'])
        .where('owner', '=', owner)
        .where('id', 'in', ids)
        .execute(),
    );
  }

  /** @throws LeaseLostError where the lease is somebody else's; nothing is written then */
  write({ sagaId, fence }: SagaLease, { saga = {}, step }: SagaWrite): Promise<void> {
    return this.#provider.transaction(async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('sagas')
        .set(({ eb }) => ({ heartbeat: eb('heartbeat', '+', 1), updated_at: this.#clock.now(), ...saga }))
        .where('id', '=', sagaId)
        .where('fence', '=', fence)
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) throw new LeaseLostError(sagaId);
      if (step === undefined) return;
      const { saga_id, direction, position, ...changes } = step;
      await tx
        .insertInto('saga_steps')
        .values({ saga_id, direction, position, ...changes })
        .onConflict((conflict) => conflict.columns(['saga_id', 'direction', 'position']).doUpdateSet(changes))
        .execute();
    });
  }
}

/** @returns the leases that are not among those that were found, or under another fence */
async function findMissing(
  leases: readonly SagaLease[],
  find: (ids: readonly string[]) => Promise<readonly Pick<SagasTable, 'id' | 'fence'>[]>,
): Promise<SagaLease[]> {
  const fences = new Map<string, number>();
  for (let from = 0; from < leases.length; from += leasesPerBeat) {
    const rows = await find(leases.slice(from, from + leasesPerBeat).map(({ sagaId }) => sagaId));
    for (const { id, fence } of rows) fences.set(id, fence);
  }
  return leases.filter(({ sagaId, fence }) => fences.get(sagaId) !== fence);
}

/** Reads a saga with its steps. */
export async function loadSaga(db: Kysely<SagaTables>, id: string): Promise<JournaledSaga | undefined> {
  const saga = await db.selectFrom('sagas').selectAll().where('id', '=', id).executeTakeFirst();
  if (saga === undefined) return undefined;
  const steps = await db
    .selectFrom('saga_steps')
    .selectAll()
    .where('saga_id', '=', id)
    .orderBy('direction')
    .orderBy('position')
    .execute();
  return { saga, steps };
}

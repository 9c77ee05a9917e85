/**
 * A transaction that does a bit of everything, and the ways to lose its backend at each of its moments: each piece of
 * data on the wire, and each pause between two statements.
 */
import { expect } from 'chai';
import { sql, type Transaction } from 'kysely';
import pg from 'pg';
import {
  CommitOutcomeUnknownError,
  ConnectionError,
  UniqueViolationError,
  type UnitOfWork,
} from '../../../../../src/core/index.ts';
import { rejectionOf } from '../../../../support/rejection.ts';
import type { Direction, TcpProxy } from '../../../../support/tcp-proxy.ts';
import type { Toxic, ToxicLine } from '../../../../support/toxics.ts';
import { until } from '../../../../support/until.ts';
import type { Tables } from '../postgres-harness.ts';

/** How a backend is lost: at once and without a word, or as an administrator ends it. */
export const strikes = ['reset', 'reset behind it', 'terminate'] as const;
export type Strike = (typeof strikes)[number];

/** The error that the work itself throws, where it does. */
export const mine = new Error('mine');

/** Awaited at every pause of the work. */
export type Pause = () => Promise<void>;

/** Leaves the rows `base + 1` and `base + 3`, named `done`. */
export async function doABitOfEverything(tx: Transaction<Tables>, base: number, pause: Pause): Promise<void> {
  const insert = (id: number) => tx.insertInto('items').values({ id, name: null }).execute();
  await pause();
  // It must not be found by whoever has the connection next.
  await sql`select set_config('liminal.mark', 'open', true)`.execute(tx);
  await pause();
  await insert(base + 1);
  await sql`savepoint inner_work`.execute(tx);
  await pause();
  await insert(base + 2);
  const refusal = await rejectionOf(insert(base + 1));
  if (!(refusal instanceof UniqueViolationError)) throw refusal;
  await pause();
  await sql`rollback to inner_work`.execute(tx);
  await pause();
  await sql`release inner_work`.execute(tx);
  await insert(base + 3);
  const written = tx
    .selectFrom('items')
    .select('id')
    .where('id', '>', base)
    .where('id', '<', base + 10);
  for await (const { id } of written.stream(1)) {
    expect([base + 1, base + 3]).to.include(id);
    await pause();
  }
  await tx
    .updateTable('items')
    .set({ name: 'done' })
    .where('id', 'in', [base + 1, base + 3])
    .execute();
  await pause();
}

/** Leaves the same rows by units inside of a unit: one that is kept, and one that fails and is undone alone. */
export async function doABitInside(
  unitOfWork: UnitOfWork<Tables>,
  base: number,
  pause: Pause,
): Promise<void> {
  const insert = (tx: Transaction<Tables>, id: number) =>
    tx.insertInto('items').values({ id, name: null }).execute();
  await unitOfWork.run(async ({ db }) => {
    await pause();
    await insert(db, base + 1);
    await pause();
    await unitOfWork.run(async (kept) => {
      await pause();
      await insert(kept.db, base + 3);
      await pause();
    });
    await pause();
    const undone = unitOfWork.run(async (failing) => {
      await insert(failing.db, base + 2);
      await pause();
      throw mine;
    });
    await undone.catch((error: unknown) => {
      if (error !== mine) throw error;
    });
    await pause();
    await db.updateTable('items').set({ name: 'done' }).where('id', '>', base).execute();
    await pause();
  });
}

/** The rows that the work leaves, as seen from outside. */
function rowsOf(base: number): { id: string; name: string }[] {
  return [base + 1, base + 3].map((id) => ({ id: String(id), name: 'done' }));
}

/** Ends the backend of a pool that has one connection, at the moment that it is told. */
export class Killer {
  readonly #proxy: TcpProxy;
  readonly #watcher: pg.Pool;
  #line: ToxicLine | undefined;
  #processId = 0;
  #left: Record<Direction, number> = { toServer: Infinity, toClient: Infinity };
  #strike: Strike = 'reset';
  /** Whether the moment has come. */
  hasStruck = false;

  constructor(proxy: TcpProxy, url: string) {
    this.#proxy = proxy;
    this.#watcher = new pg.Pool({ connectionString: url, max: 2 });
    for (const direction of ['toServer', 'toClient'] as const) {
      proxy.infect(direction, () => (data, line) => this.#carry(direction, data, line));
    }
  }

  /** @param processId of the backend that is to be lost */
  aim(processId: number, strike: Strike): void {
    this.#processId = processId;
    this.#strike = strike;
    this.hasStruck = false;
  }

  /** Strikes at the piece of data that comes as the `number`th in a direction from now on, counted from 1. */
  strikeAtPiece(direction: Direction, number: number): void {
    this.#left = { toServer: Infinity, toClient: Infinity, [direction]: number };
  }

  /** Strikes no more. */
  rest(): void {
    this.#left = { toServer: Infinity, toClient: Infinity };
  }

  /** Strikes now, where nothing is on the wire. */
  async strikeNow(): Promise<void> {
    this.hasStruck = true;
    if (this.#strike === 'terminate') await this.#terminate();
    else this.#line?.reset();
  }

  /** What is stored of a run, as seen beside the pool and the proxy. */
  async storedRows(base: number): Promise<unknown[]> {
    const { rows } = await this.#watcher.query(
      'select id, name from items where id > $1 and id < $1 + 10 order by id',
      [base],
    );
    return rows;
  }

  async end(): Promise<void> {
    this.#proxy.heal();
    await this.#watcher.end();
  }

  #carry(direction: Direction, data: Buffer, line: ToxicLine): ReturnType<Toxic> {
    this.#line = line;
    this.#left[direction] -= 1;
    if (this.#left[direction] === 0) return this.#strikeAt(data, line);
    line.pass(data);
  }

  async #strikeAt(data: Buffer, line: ToxicLine): Promise<void> {
    this.hasStruck = true;
    if (this.#strike === 'terminate') {
      await this.#terminate();
      line.pass(data);
      return;
    }
    if (this.#strike === 'reset behind it') {
      line.pass(data);
      // So that it is sent before the line goes.
      await new Promise((resolve) => setImmediate(resolve));
    }
    line.reset();
  }

  async #terminate(): Promise<void> {
    await this.#watcher.query('select pg_terminate_backend($1)', [this.#processId]);
    await until(async () => {
      const { rows } = await this.#watcher.query('select from pg_stat_activity where pid = $1', [
        this.#processId,
      ]);
      return rows.length === 0;
    });
  }
}

/** What became of a run; fails where that is none of the truths that there can be. */
export function judge(outcome: unknown, stored: readonly unknown[], base: number): string {
  if (outcome === undefined) {
    expect(stored).to.deep.equal(rowsOf(base));
    return 'committed';
  }
  if (outcome instanceof CommitOutcomeUnknownError) {
    if (stored.length > 0) expect(stored).to.deep.equal(rowsOf(base));
    return 'unknown';
  }
  expect(stored, (outcome as Error).message).to.deep.equal([]);
  if (outcome === mine) return 'own error';
  expect(outcome).to.be.instanceOf(ConnectionError).and.to.include({ retryable: true });
  return 'connection error';
}

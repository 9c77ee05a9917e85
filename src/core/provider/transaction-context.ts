import { AsyncLocalStorage } from 'node:async_hooks';
import { OutsideTransactionError, TransactionClosedError } from '../foundation/errors/transaction-errors.ts';

/** Stands for a database, so that the code inside of a transaction can be asked whose it is. */
export type TrackedDatabase = object;

/** A transaction as the code inside of it finds it. */
export interface RunningTransaction {
  /** Whose transaction it is: what is asked of another database is none of its business. */
  readonly database: TrackedDatabase;
  /** Which one of this process it is, from 1; that of the transaction around it where it is a savepoint. */
  readonly number: number;
  /**
   * How it stands. Code that it left behind may go on for longer: behind a commit it is outside, but behind a
   * rollback it is a part of what was undone.
   */
  readonly state: 'open' | 'ending' | 'kept' | 'undone';
}

interface Frame {
  readonly transaction: RunningTransaction;
  readonly around: Frame | undefined;
}

let lastNumber = 0;

/** Numbers a transaction that begins. */
export function nextTransactionNumber(): number {
  lastNumber += 1;
  return lastNumber;
}

/** The transactions around the running code, by the async context. */
const frames = new AsyncLocalStorage<Frame | undefined>();

/** Runs work inside of a transaction. */
export function runInside<Result>(transaction: RunningTransaction, work: () => Result): Result {
  return frames.run(frameOf(transaction), work);
}

/**
 * Lets the rest of the running function, and what it calls, stand inside of a transaction. For a driver, whose
 * caller runs the work: it lasts for that caller alone, since whoever waits for the caller has a context of its own.
 * Where it may be called within the turn of somebody else, that one calls it by `confine`.
 */
export function enterTransaction(transaction: RunningTransaction): void {
  frames.enterWith(frameOf(transaction));
}

/**
 * Calls work, and ends with its call what that enters; what it has started stays inside. Not by `run`, which calls work
 * as it is where the store would be the same.
 */
export function confine<Result>(work: () => Result): Result {
  const before = frames.getStore();
  try {
    return work();
  } finally {
    frames.enterWith(before);
  }
}

/**
 * Runs work outside of every transaction that runs around it: what it asks of a database stands for itself, and
 * stays whatever becomes of the transaction. It takes connections of its own. Where the transaction around it
 * holds the only one, it is refused at once and does not wait for itself.
 *
 * @param work is called at once; with whatever it starts, it sees no transaction around it
 * @returns what the work returns
 * @throws NestedAcquireError, by the promise of a query, where no connection is free beside that of the
 *   transaction around it: a write on SQLite, anything on a database in memory
 * @example
 * await unitOfWork.run(async ({ repositories }) => {
 *   await repositories.orders.insert(order);
 *   await outside(() => provider.query('select pg_notify(?, ?)', ['orders', order.id]));
 * });
 */
export function outside<Result>(work: () => Result): Result {
  return frames.run(undefined, work);
}

/** Whether no transaction at all is around the code: the quick answer, for nearly everybody who asks. */
export function isAlone(): boolean {
  return frames.getStore() === undefined;
}

/**
 * Finds the innermost transaction of a database that runs around the code.
 *
 * @throws TransactionClosedError where that one is undone, or about to end: what its code asks for now, as a branch of
 *   a `Promise.all` whose other branch failed, was meant to be undone with it
 */
export function findRunning(database: TrackedDatabase): RunningTransaction | undefined {
  for (let frame = frames.getStore(); frame !== undefined; frame = frame.around) {
    const { transaction } = frame;
    if (transaction.database !== database || transaction.state === 'kept') continue;
    if (transaction.state === 'open') return transaction;
    throw new TransactionClosedError(
      'The code runs inside of a transaction that was rolled back or is about to end, so it belongs to what was undone. Await everything inside of the work function. What is meant to go on by itself, such as a background job, is started by outside(() => …).',
    );
  }
  return undefined;
}

/** Whether the code runs inside of a transaction. */
export function isInside(transaction: RunningTransaction): boolean {
  for (let frame = frames.getStore(); frame !== undefined; frame = frame.around) {
    if (frame.transaction === transaction) return true;
  }
  return false;
}

/**
 * @throws OutsideTransactionError where a transaction of the database runs around the code
 * @throws TransactionClosedError as `findRunning`
 */
export function requireOutside(database: TrackedDatabase): void {
  if (findRunning(database) === undefined) return;
  throw new OutsideTransactionError(
    'The root handle was used inside of a running transaction of the same database, so the statement would not belong to it. Use what the transaction hands out: `tx` as { on: tx }, or the repositories and services of the unit of work. Where it is meant to stand outside, say outside(() => …).',
  );
}

/** What was kept does not matter any more, and would grow a chain where each unit is begun by what the last one left. */
function frameOf(transaction: RunningTransaction): Frame {
  let around = frames.getStore();
  while (around?.transaction.state === 'kept') around = around.around;
  return { transaction, around };
}

import type { Kysely, Transaction } from 'kysely';
import { transactionClosed } from '../engine/transaction-closed.ts';
import { ReadOnlyDatabaseError } from '../foundation/errors/transaction-errors.ts';
import type { Logger } from '../foundation/logger.ts';
import type { CommitParticipant, Gathered } from './commit-participant.ts';
import { outside } from './transaction-context.ts';

/** Work for after a commit. */
export type AfterCommit = () => unknown;

/** Work for after a rollback. @param error what the work was rolled back for; undefined where it was on purpose */
export type AfterRollback = (error: unknown) => unknown;

interface Asked<Hook> {
  /** Of all hooks of the process, how many were asked for before: scopes inside of each other mix theirs. */
  readonly place: number;
  readonly hook: Hook;
}

let places = 0;

/** Where the handle of a scope has its hooks. */
export const scopeHooks = Symbol('hooks of the scope');

/**
 * What a scope is asked to do once its outcome is known. Hooks run one after the other, in the order in which they
 * were handed in, outside of every transaction. The outcome stands whatever they do: one that throws is reported.
 */
export class TransactionHooks {
  readonly #logger: Logger;
  readonly #afterCommit: Asked<AfterCommit>[] = [];
  readonly #afterRollback: Asked<AfterRollback>[] = [];
  readonly #gathered: Gathered[] = [];
  #isGathering = true;
  #isSettled = false;
  /** Those of the whole transaction. */
  readonly outermost: TransactionHooks;

  readonly #isReadOnly: boolean;

  /**
   * @param isReadOnly whether its transaction writes nothing
   * @param around those of the scope that this one is inside of
   */
  constructor(logger: Logger, isReadOnly: boolean, around?: TransactionHooks) {
    this.#logger = logger;
    this.#isReadOnly = isReadOnly;
    this.outermost = around?.outermost ?? this;
  }

  /** @throws TransactionClosedError once the outcome is known: nobody would call it */
  afterCommit(hook: AfterCommit): void {
    this.#requireUnsettled();
    this.#afterCommit.push({ place: places++, hook });
  }

  /** @throws TransactionClosedError once the outcome is known: nobody would call it */
  afterRollback(hook: AfterRollback): void {
    this.#requireUnsettled();
    this.#afterRollback.push({ place: places++, hook });
  }

  /**
   * @throws TransactionClosedError once the end has begun: nobody would see to it
   * @throws ReadOnlyDatabaseError where nothing can be written
   */
  gather<Item>(participant: CommitParticipant<Item>, item: Item): void {
    if (!this.#isGathering) throw transactionClosed();
    if (this.#isReadOnly) {
      throw new ReadOnlyDatabaseError(
        'Something was to be written with the commit of a transaction that is read only. Run the work without `readOnly`.',
      );
    }
    this.#gathered.push({ place: places++, participant, item: item as never });
  }

  /** Takes no more for before the commit. */
  endGathering(): void {
    this.#isGathering = false;
  }

  /** Whether anybody takes part in the commit. */
  get hasGathered(): boolean {
    return this.#gathered.length > 0;
  }

  /**
   * Lets each participant write what it was handed, one after the other.
   *
   * @throws what the first of them throws
   */
  async runBeforeCommit(db: Transaction<never>): Promise<void> {
    const ordered = this.#gathered.toSorted((one, other) => one.place - other.place);
    for (const [participant, gathered] of Map.groupBy(ordered, (each) => each.participant))
      await participant.beforeCommit(
        db,
        gathered.map(({ item }) => item),
      );
  }

  /** Takes over the hooks of a scope inside of this one, whose outcome is now that of this one. */
  adopt(inner: TransactionHooks): void {
    inner.#isSettled = true;
    this.#gathered.push(...inner.#gathered);
    this.#afterCommit.push(...inner.#afterCommit);
    this.#afterRollback.push(...inner.#afterRollback);
  }

  async runAfterCommit(): Promise<void> {
    this.#isSettled = true;
    for (const hook of inOrder(this.#afterCommit)) await this.#run(hook, 'a hook failed after its commit');
  }

  async runAfterRollback(error: unknown): Promise<void> {
    this.#isSettled = true;
    for (const hook of inOrder(this.#afterRollback))
      await this.#run(() => hook(error), 'a hook failed after its rollback');
  }

  #requireUnsettled(): void {
    if (this.#isSettled) throw transactionClosed();
  }

  async #run(hook: () => unknown, message: string): Promise<void> {
    try {
      await outside(hook);
    } catch (error) {
      this.#logger.error({ error }, message);
    }
  }
}

function inOrder<Hook>(asked: readonly Asked<Hook>[]): Hook[] {
  return asked.toSorted((one, other) => one.place - other.place).map(({ hook }) => hook);
}

/**
 * Asks for work after the commit of the scope that a handle belongs to. For rooms that are handed a handle alone.
 *
 * @param handle the `tx` of `provider.transaction`, or the `db` of a unit of work
 * @param hook runs as those of the scope do
 * @returns whether there is such a scope; false for every other handle, and then nothing was asked for
 */
export function afterCommitOf(handle: Pick<Kysely<never>, 'isTransaction'>, hook: AfterCommit): boolean {
  const hooks = (handle as { readonly [scopeHooks]?: TransactionHooks })[scopeHooks];
  hooks?.afterCommit(hook);
  return hooks !== undefined;
}

/**
 * Asks for work behind the end of the whole transaction that a handle belongs to, be it its commit or its rollback.
 * For rooms that must keep a fact though what their caller does is undone: behind the rollback of a scope inside
 * alone, what is around it still holds its locks.
 *
 * @returns as `afterCommitOf`
 */
export function afterEndOf(handle: object, hook: () => unknown): boolean {
  const hooks = (handle as { readonly [scopeHooks]?: TransactionHooks })[scopeHooks]?.outermost;
  hooks?.afterCommit(hook);
  hooks?.afterRollback(hook);
  return hooks !== undefined;
}

/** Whether a handle belongs to a scope, so that its outcome can be heard of. */
export function hasScope(handle: object): boolean {
  return scopeHooks in handle;
}

/**
 * Hands an item to a participant, for just before the commit of the scope that a handle belongs to. It is dropped
 * where that scope, or one around it, is rolled back.
 *
 * @param handle the `tx` of `provider.transaction`, or the `db` of a unit of work
 * @param participant who writes it
 * @param item what is written
 * @returns whether there is such a scope; false for every other handle, and then nothing was handed in
 * @throws TransactionClosedError once the end of the transaction has begun
 * @throws ReadOnlyDatabaseError where the transaction is read only
 */
export function gatherForCommit<Item>(
  handle: object,
  participant: CommitParticipant<Item>,
  item: Item,
): boolean {
  const hooks = (handle as { readonly [scopeHooks]?: TransactionHooks })[scopeHooks];
  hooks?.gather(participant, item);
  return hooks !== undefined;
}

/**
 * Tells two handles of one transaction by what they have in common, also where plugins or a scope inside lie between.
 *
 * @param handle of a transaction
 * @returns the same object for each of them; the handle itself where it belongs to no scope
 */
export function transactionOf(handle: object): object {
  return (handle as { readonly [scopeHooks]?: TransactionHooks })[scopeHooks]?.outermost ?? handle;
}

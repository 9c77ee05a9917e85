import type { Kysely } from 'kysely';
import { transactionClosed } from '../engine/transaction-closed.ts';
import type { Logger } from '../foundation/logger.ts';
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
  #isSettled = false;
  /** Those of the whole transaction. */
  readonly outermost: TransactionHooks;

  /** @param around those of the scope that this one is inside of */
  constructor(logger: Logger, around?: TransactionHooks) {
    this.#logger = logger;
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

  /** Takes over the hooks of a scope inside of this one, whose outcome is now that of this one. */
  adopt(inner: TransactionHooks): void {
    inner.#isSettled = true;
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

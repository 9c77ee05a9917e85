import type { CompiledQuery, QueryResult, TransactionSettings } from 'kysely';
import { GuardedLease } from './guarded-lease.ts';
import type { Lease } from './lease.ts';

type Options = { readonly signal?: AbortSignal | undefined };

/**
 * A lease for a stand-alone dialect, whose driver is Kysely's own. That runs BEGIN, COMMIT and ROLLBACK as
 * queries, so that they are logged; a lease has methods for them. And whoever gets an error reads in its stack
 * who asked, which only this call knows: the error was made later, when the answer came.
 */
export class PlainLease extends GuardedLease {
  readonly #unwrap: (error: unknown) => unknown;
  #instead: (() => Promise<QueryResult<unknown>>) | undefined;

  /**
   * @param lease what it guards
   * @param unwrap finds the error to throw in the one that the lease has thrown
   */
  constructor(lease: Lease, unwrap: (error: unknown) => unknown = (error) => error) {
    super(lease);
    this.#unwrap = unwrap;
  }

  /** Begins a transaction where `call` runs BEGIN as a query. */
  beginBy(call: () => Promise<void>, settings: TransactionSettings): Promise<void> {
    return this.#replaceQuery(call, async () => {
      await this.begin(settings);
      return { rows: [] };
    });
  }

  /**
   * Commits where `call` runs COMMIT as a query.
   *
   * @param isRolledBack whether an error of the commit says that the database rolled back instead
   */
  commitBy(call: () => Promise<void>, isRolledBack: (error: unknown) => boolean): Promise<void> {
    return this.#replaceQuery(call, async () => {
      try {
        await this.commit();
        return { rows: [{ command: 'COMMIT' }] };
      } catch (error) {
        if (isRolledBack(error)) return { rows: [{ command: 'ROLLBACK' }] };
        throw error;
      }
    });
  }

  /** Rolls back where `call` runs ROLLBACK as a query. */
  rollbackBy(call: () => Promise<void>): Promise<void> {
    return this.#replaceQuery(call, async () => {
      // Kysely would tell this error in place of the one that made it roll back.
      await this.rollback().catch(() => {});
      return { rows: [] };
    });
  }

  override async executeQuery<Row>(query: CompiledQuery, options?: Options): Promise<QueryResult<Row>> {
    const instead = this.#instead;
    this.#instead = undefined;
    try {
      return instead === undefined
        ? await super.executeQuery<Row>(query, options)
        : ((await instead()) as QueryResult<Row>);
    } catch (error) {
      throw withStackOfCaller(this.#unwrap(error), new Error());
    }
  }

  override async *streamQuery<Row>(
    query: CompiledQuery,
    chunkSize: number,
    options?: Options,
  ): AsyncIterableIterator<QueryResult<Row>> {
    try {
      yield* super.streamQuery<Row>(query, chunkSize, options);
    } catch (error) {
      throw withStackOfCaller(this.#unwrap(error), new Error());
    }
  }

  async #replaceQuery(
    call: () => Promise<void>,
    instead: () => Promise<QueryResult<unknown>>,
  ): Promise<void> {
    this.#instead = instead;
    try {
      await call();
    } finally {
      this.#instead = undefined;
    }
  }
}

function withStackOfCaller(error: unknown, { stack = '' }: Error): unknown {
  if (error instanceof Error) error.stack = `${error.stack}\n${stack.split('\n').slice(1).join('\n')}`;
  return error;
}

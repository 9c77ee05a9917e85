import type { Kysely } from 'kysely';
import type { AuditEvent, AuditLog } from '../core/audit/index.ts';
import type { RepositoryCallOptions, TransactionalProvider } from '../core/index.ts';
import type { ChatDatabase } from './chat-database.ts';

/**
 * Records what the repositories do not record by themselves: statements of one's own, and reads of what is sensitive.
 * What is done and its event hold together: where the event cannot be stored, nothing was done or given out.
 */
export class ActionRecorder {
  readonly #provider: TransactionalProvider<ChatDatabase>;
  readonly #log: AuditLog;

  /**
   * @param provider whose transactions it opens: a database, or a unit of work
   * @param log of the same database
   */
  constructor(provider: TransactionalProvider<ChatDatabase>, log: AuditLog) {
    this.#provider = provider;
    this.#log = log;
  }

  /**
   * Runs work in the caller's transaction, or in one of its own.
   *
   * @param options of the call; `on` counts where it is a transaction
   * @param work is given the handle of the transaction
   */
  within<Result>(
    { on }: RepositoryCallOptions<ChatDatabase>,
    work: (tx: Kysely<ChatDatabase>) => Promise<Result>,
  ): Promise<Result> {
    return on?.isTransaction === true ? work(on) : this.#provider.transaction(work);
  }

  /** Records an event with the commit of a transaction. */
  record(tx: Kysely<ChatDatabase>, event: AuditEvent): Promise<void> {
    return this.#log.record(tx, event);
  }
}

/**
 * Does something, and records it where there is somebody who records.
 *
 * @param recorder undefined where nothing is recorded: then the work runs as it is
 * @param options of the call
 * @param work is given the options to use
 * @param eventOf says what was done
 */
export async function recordAction<Result>(
  recorder: ActionRecorder | undefined,
  options: RepositoryCallOptions<ChatDatabase>,
  work: (options: RepositoryCallOptions<ChatDatabase>) => Promise<Result>,
  eventOf: (result: Result) => AuditEvent,
): Promise<Result> {
  if (recorder === undefined) return work(options);
  return recorder.within(options, async (on) => {
    const result = await work({ on });
    await recorder.record(on, eventOf(result));
    return result;
  });
}

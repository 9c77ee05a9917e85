import { systemClock, type Clock } from '../../foundation/clock.ts';
import {
  IdempotencyMismatchError,
  LeaseLostError,
  SagaInterruptedError,
} from '../../foundation/errors/saga-errors.ts';
import { NotFoundError } from '../../foundation/errors/entity-errors.ts';
import { ValidationError } from '../../foundation/errors/validation-error.ts';
import { silentLogger } from '../../foundation/logger.ts';
import { quietLogger } from '../../foundation/quiet-logger.ts';
import { unlessAborted, within } from '../../foundation/within.ts';
import { checkDeadline } from '../../provider/deadline.ts';
import { outside } from '../../provider/transaction-context.ts';
import type { AnySaga, Saga } from './define-saga.ts';
import { newSagaRow } from './new-saga-row.ts';
import { pause } from './pause.ts';
import { SagaCrew } from './saga-crew.ts';
import { guardSagaListener } from './saga-event.ts';
import { SagaJournal } from './saga-journal.ts';
import { SagaLeaseWatch } from './saga-lease-watch.ts';
import { SagaLookOut } from './saga-look-out.ts';
import { isAtRest, outcomeOf, type SagaOutcome } from './saga-outcome.ts';
import { checkRunnerOptions, type RunSagaOptions, type SagaRunnerOptions } from './saga-runner-options.ts';
import { asJournal, type SagaProvider, type SagasTable } from './saga-tables.ts';
import { untilStored } from './until-stored.ts';

/** How many sagas `resume` took over, by how they ended. */
export interface ResumedSagas {
  /** All steps are done. */
  readonly completed: number;
  /** A step failed, and everything that may have happened is undone. */
  readonly compensated: number;
  /** They wait for a person. */
  readonly stuck: number;
  /** They went to another runner while they were carried on here, or this one was closed. */
  readonly left: number;
}

const defaultCloseDeadline = 10_000;
/** How long a look under way is waited for at the end, in ms. */
const goodbyeLimit = 1_000;

/**
 * Runs sagas, and carries on those whose process is gone. Any number of runners, in any number of processes,
 * share one journal: each saga is with one of them at a time.
 *
 * It promises that a saga ends completed, compensated, or stuck where a person sees it; that steps which are
 * done are not run again; and that one which may have run is run again with the same idempotency key. It
 * promises no isolation: others see the effects of a saga that is half done.
 *
 * @example
 * await using runner = new SagaRunner(provider, { sagas: [placeOrder] });
 * runner.start();
 * const { charge } = await runner.run(placeOrder, { orderId, total }, { idempotencyKey: requestId });
 */
export class SagaRunner<DB = unknown> implements AsyncDisposable {
  readonly #sagas: readonly AnySaga[];
  readonly #journal: SagaJournal;
  readonly #crew: SagaCrew;
  readonly #watch: SagaLeaseWatch;
  readonly #lookOut: SagaLookOut;
  readonly #clock: Clock;
  readonly #leaseDuration: number;
  readonly #pollInterval: number;
  /** Aborted when the runner closes. */
  readonly #closing = new AbortController();
  #looking: { readonly stop: AbortController; readonly ended: Promise<void> } | undefined;
  #closed: Promise<void> | undefined;

  /**
   * @param provider of the database that has the tables of `sagaMigrations`; the steps may use any others
   * @param options the sagas, and how they are run
   * @throws ValidationError with every option that is out of range, and two sagas of one name and version
   */
  constructor(provider: SagaProvider<DB>, options: SagaRunnerOptions) {
    const { leaseDuration, pollInterval, concurrency } = checkRunnerOptions(options);
    const { sagas, clock = systemClock, onEvent } = options;
    const logger = quietLogger(options.logger ?? silentLogger);
    const journal = new SagaJournal(asJournal(provider), clock);
    const tell = guardSagaListener(onEvent, logger);
    this.#sagas = sagas;
    this.#journal = journal;
    this.#clock = clock;
    this.#leaseDuration = leaseDuration;
    this.#pollInterval = pollInterval;
    this.#watch = new SagaLeaseWatch(clock, leaseDuration);
    this.#crew = new SagaCrew({ journal, clock, logger, leaseDuration, plans: sagas, tell });
    const names = [...new Set(sagas.map(({ name }) => name))];
    const parts = { journal, crew: this.#crew, watch: this.#watch, clock, logger };
    this.#lookOut = new SagaLookOut({ ...parts, names, pollInterval, concurrency });
  }

  /**
   * Runs a saga to its end. With an id or idempotency key that is in the journal already it starts nothing:
   * it waits for that saga, and carries it on where its process is gone.
   *
   * @param saga one of `sagas`
   * @param input what the saga works on, as JSON; its schema checks it first
   * @param options the id or key of the request, and a signal that ends the wait alone
   * @returns the results of the steps, by their names
   * @throws SagaFailedError where a step failed for good; all that may have happened is undone unless
   *   `notUndone` names it
   * @throws ValidationError where the input, the id or the key breaks a rule, or the saga is none of `sagas`;
   *   nothing is stored then
   * @throws IdempotencyMismatchError where the id or key belongs to another saga or another input
   * @throws LeaseLostError where another runner took the saga over; it goes on there
   * @throws NotFoundError where the saga of that id or key has ended and was deleted while it was waited for
   * @throws SagaInterruptedError where this runner is closed first; another one may go on with it
   * @throws OutsideTransactionError inside of a transaction of the journal's provider: a saga cannot be part of one
   * @throws the signal's reason; and the error of the journal's database, where that stays away
   * @example
   * const { reserve, charge } = await runner.run(placeOrder, { orderId: '17', total: 30 });
   */
  async run<Input, Results>(
    saga: Saga<Input, Results>,
    input: Input,
    options: RunSagaOptions = {},
  ): Promise<Results> {
    const { signal } = options;
    signal?.throwIfAborted();
    if (this.#closing.signal.aborted) throw new SagaInterruptedError(undefined);
    if (!this.#sagas.includes(saga)) {
      throw new ValidationError(`Saga "${saga.name}" is none of the runner's: list it in "sagas".`);
    }
    const row = await newSagaRow(saga, input, options, this.#crew.owner, this.#clock.now());
    const outcome = await this.#startOrJoin(row, options);
    if (outcome.status === 'completed') return outcome.results as Results;
    throw outcome.error;
  }

  /**
   * Takes over every saga that is abandoned now and runs it to its end. It takes as long as a lease to be
   * sure of those whose owner is gone without a word.
   *
   * @returns how many were taken over, by how they ended; one that fails makes no error here
   * @throws SagaInterruptedError where the runner is closed, before or meanwhile
   * @throws the error of the journal's database
   * @example
   * const { stuck } = await runner.resume();
   */
  async resume(): Promise<ResumedSagas> {
    this.#closing.signal.throwIfAborted();
    const outcomes = await Promise.allSettled(await this.#lookOut.lookOnce(this.#closing.signal));
    const count = (status: SagaOutcome['status']) =>
      outcomes.filter((each) => each.status === 'fulfilled' && each.value.status === status).length;
    return {
      completed: count('completed'),
      compensated: count('compensated'),
      stuck: count('stuck'),
      left: outcomes.filter(({ status }) => status === 'rejected').length,
    };
  }

  /**
   * Begins to look for abandoned sagas in the background, until `stop` or `close`. A second call changes
   * nothing. Its timer keeps the process alive.
   *
   * @throws SagaInterruptedError where the runner is closed
   */
  start(): void {
    this.#closing.signal.throwIfAborted();
    if (this.#looking !== undefined) return;
    const stop = new AbortController();
    // Whoever starts it in a transaction must not have it look in there.
    this.#looking = { stop, ended: outside(() => this.#lookOut.keepLooking(stop.signal)) };
  }

  /** Ends the looking in the background. Sagas that are carried on here go on. */
  async stop(): Promise<void> {
    const looking = this.#looking;
    this.#looking = undefined;
    looking?.stop.abort();
    await looking?.ended;
  }

  /**
   * Stops looking, lets attempts under way end until the deadline, aborts the signal of the rest, and releases
   * every lease, so that others go on at once; where the journal is away, when the lease has run out. Whoever waits
   * for a saga that has not ended gets a SagaInterruptedError. A journal that gives no answer is waited for a few
   * seconds beyond the deadline. Close it before its provider. Later calls wait for the first.
   *
   * @param options `deadline` in ms, an integer from 0 to 86,400,000; 10,000 by default
   * @throws ValidationError where the deadline is none; nothing is closed then
   */
  async close(options: { readonly deadline?: number } = {}): Promise<void> {
    const { deadline = defaultCloseDeadline } = options;
    checkDeadline(deadline);
    this.#closed ??= this.#close(deadline);
    await this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(deadline: number): Promise<void> {
    this.#closing.abort(new SagaInterruptedError(undefined));
    const stopped = this.stop();
    await this.#crew.close(deadline);
    // A look that the journal does not answer ends whenever it may: it takes nothing over any more.
    await within(this.#clock, goodbyeLimit, stopped);
  }

  async #startOrJoin(row: SagasTable, options: RunSagaOptions): Promise<SagaOutcome> {
    for (;;) {
      const held = await this.#crew.start(row);
      if (held !== undefined) return unlessAborted(held.outcome, options.signal);
      const found = await this.#findSame(row, options);
      // What has ended may be deleted at any moment; its id and key are free again then.
      if (found === undefined) continue;
      const outcome = await this.#waitFor(found.id, options.signal);
      if (outcome !== undefined) return outcome;
      if (!isAtRest(found)) throw new NotFoundError('sagas');
    }
  }

  /**
   * Finds the saga that has the id or key of another, and makes sure that it is the same request.
   *
   * @returns undefined where there is none any more
   */
  async #findSame(row: SagasTable, { id }: RunSagaOptions): Promise<SagasTable | undefined> {
    const rivals = await this.#stored(() => this.#journal.findRivals(row.id, row.name, row.idempotency_key));
    const [found, other] = rivals;
    if (found === undefined) return undefined;
    const isSame =
      other === undefined &&
      found.name === row.name &&
      found.input_hash === row.input_hash &&
      found.idempotency_key === row.idempotency_key &&
      (id === undefined || found.id === row.id);
    if (!isSame) throw new IdempotencyMismatchError(found.id);
    return found;
  }

  /**
   * Waits for a saga that somebody carries on, here or elsewhere, and takes it over where nobody does.
   *
   * @returns undefined where it was deleted
   */
  async #waitFor(id: string, signal: AbortSignal | undefined): Promise<SagaOutcome | undefined> {
    const closing = this.#closing.signal;
    const stop = signal === undefined ? closing : AbortSignal.any([signal, closing]);
    for (;;) {
      signal?.throwIfAborted();
      if (closing.aborted) throw new SagaInterruptedError(id);
      const outcome = await this.#outcomeHere(id, signal);
      if (outcome !== undefined) return outcome;
      const askedAt = this.#clock.monotonic();
      const row = await this.#stored(() => this.#journal.find(id));
      if (row === undefined && !this.#crew.isBusyWith(id)) return undefined;
      if (row !== undefined && isAtRest(row)) {
        this.#watch.forget(id);
        const journaled = await this.#stored(() => this.#journal.load(id));
        if (journaled !== undefined && isAtRest(journaled.saga)) return outcomeOf(journaled);
        continue;
      }
      const isFree = row !== undefined && (this.#crew.isOrphan(row) || this.#watch.isAbandoned(row, askedAt));
      if (isFree && (await this.#crew.takeOver(row)) !== undefined) continue;
      await pause(this.#clock, this.#pollInterval, stop).catch(() => undefined);
    }
  }

  /** The outcome of a saga that is carried on here; undefined where it is not, or went to somebody else. */
  async #outcomeHere(id: string, signal: AbortSignal | undefined): Promise<SagaOutcome | undefined> {
    const outcome = this.#crew.outcomeOf(id);
    if (outcome === undefined) return undefined;
    try {
      return await unlessAborted(outcome, signal);
    } catch (error) {
      if (error instanceof LeaseLostError) return undefined;
      throw error;
    }
  }

  #stored<Result>(work: () => Promise<Result>): Promise<Result> {
    return untilStored(this.#clock, this.#leaseDuration, work, this.#closing.signal);
  }
}

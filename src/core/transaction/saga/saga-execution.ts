import { decorrelatedJitter } from '../../foundation/backoff.ts';
import type { Clock } from '../../foundation/clock.ts';
import { LeaseLostError, SagaInterruptedError } from '../../foundation/errors/saga-errors.ts';
import { encodeJson } from '../../query/json-text.ts';
import { CannotGoOn } from './cannot-go-on.ts';
import { pause } from './pause.ts';
import { runAttempt } from './saga-attempt.ts';
import { contextFor } from './saga-step-context.ts';
import { errorColumns, storable } from './saga-error-columns.ts';
import type { SagaNews } from './saga-event.ts';
import type { JournaledSaga, SagaJournal, SagaWrite } from './saga-journal.ts';
import type { SagaLease } from './saga-lease.ts';
import { outcomeOf, type SagaOutcome } from './saga-outcome.ts';
import type { PlannedStep, SagaPlan } from './saga-plan.ts';
import { SagaState } from './saga-state.ts';
import type { SagaDirection, SagaStepsTable } from './saga-tables.ts';
import { untilStored } from './until-stored.ts';

/** What the execution of a saga works with. */
export interface ExecutionParts {
  readonly journal: SagaJournal;
  readonly clock: Clock;
  /** For how long the journal may be away before the saga is left to others, in ms. */
  readonly patience: number;
  readonly tell: (news: SagaNews) => void;
}

/** How often a step may be left under way, by a process that ended or lost its lease, before somebody has to look at it. */
const mostCrashes = 10;

/**
 * Carries one saga on under a lease, from wherever the journal says it stands: forward, or back from the
 * step that failed. Every step is journaled before it begins and after it has ended, and no transaction is
 * open between the two.
 */
export class SagaExecution {
  readonly #parts: ExecutionParts;
  readonly #lease: SagaLease;
  readonly #plan: SagaPlan | undefined;
  readonly #state: SagaState;
  /** What the failed step threw, where that was here. */
  #cause: unknown;

  /** @param plan the code of the saga; undefined where its code is of another version */
  constructor(parts: ExecutionParts, lease: SagaLease, plan: SagaPlan | undefined, journaled: JournaledSaga) {
    this.#parts = parts;
    this.#lease = lease;
    this.#plan = plan;
    this.#state = new SagaState(journaled);
  }

  /**
   * Runs until the saga is at rest.
   *
   * @throws LeaseLostError where somebody else has the saga
   * @throws SagaInterruptedError where its runner closes; the lease is released then, if the journal is there
   * @throws the error of the journal's database, where it is away for too long
   */
  async run(): Promise<SagaOutcome> {
    try {
      await this.#goOn();
    } catch (error) {
      if (error instanceof CannotGoOn) {
        await this.#park(error);
      } else {
        if (error instanceof SagaInterruptedError) await this.#release();
        if (error instanceof LeaseLostError) this.#tell('lease-lost');
        throw error;
      }
    }
    return outcomeOf(this.#state, this.#cause);
  }

  async #goOn(): Promise<void> {
    const plan = this.#plan;
    if (plan === undefined || !this.#state.fits(plan)) {
      const message = 'The code has no definition of this saga with its version and its step names.';
      throw new CannotGoOn('definition-changed', this.#state.nextStep, message);
    }
    if (this.#state.saga.status === 'running') await this.#goForward(plan);
    if (this.#state.saga.status === 'compensating') await this.#goBack(plan);
  }

  async #goForward(plan: SagaPlan): Promise<void> {
    for (const [position, step] of plan.steps.entries()) {
      if (this.#state.find('forward', position)?.state === 'done') continue;
      if (!(await this.#perform(plan, step, 'forward', position))) return;
    }
    await this.#write({ saga: { status: 'completed', ...this.#atRest() } });
    this.#tell('completed');
  }

  async #goBack(plan: SagaPlan): Promise<void> {
    for (const [position, step] of Array.from(plan.steps.entries()).reverse()) {
      const wasBegun = this.#state.find('forward', position) !== undefined;
      if (!wasBegun || step.compensate === undefined) continue;
      if (this.#state.find('backward', position)?.state === 'done') continue;
      await this.#perform(plan, step, 'backward', position);
    }
    await this.#write({ saga: { status: 'compensated', ...this.#atRest() } });
    this.#tell('compensated');
  }

  /** Does or undoes a step, with all its attempts. @returns false where it failed for good, and was to be done */
  async #perform(
    plan: SagaPlan,
    step: PlannedStep,
    direction: SagaDirection,
    position: number,
  ): Promise<boolean> {
    const nextDelay = decorrelatedJitter(step.delays);
    for (;;) {
      const row = await this.#begin(step, direction, position);
      const error = await this.#attempt(plan, step, row);
      if (error === undefined) return true;
      const willRetry = await this.#fail(step, row, error.thrown);
      if (!willRetry) return false;
      await pause(this.#parts.clock, nextDelay(), this.#lease.lastOrders);
    }
  }

  /** Journals that a step begins: from here on it may have happened. */
  async #begin(step: PlannedStep, direction: SagaDirection, position: number): Promise<SagaStepsTable> {
    this.#lease.lastOrders.throwIfAborted();
    const last = this.#state.find(direction, position);
    // Whoever had begun it has written nothing since: it ended together with its process, or was too slow.
    const crashes = (last?.crashes ?? 0) + (last?.state === 'started' ? 1 : 0);
    if (crashes >= mostCrashes) {
      const message = `Whoever ran this step ended, or lost its lease, ${crashes} times while it was under way.`;
      throw new CannotGoOn('crashed-repeatedly', step.name, message);
    }
    const row: SagaStepsTable = {
      saga_id: this.#lease.sagaId,
      direction,
      position,
      name: step.name,
      state: 'started',
      attempts: (last?.attempts ?? 0) + 1,
      failures: last?.failures ?? 0,
      crashes,
      result: null,
      error_name: last?.error_name ?? null,
      error_code: last?.error_code ?? null,
      error_message: last?.error_message ?? null,
      started_at: this.#parts.clock.now(),
      finished_at: null,
    };
    await this.#write({ step: row });
    return row;
  }

  /** Runs one attempt and journals its success. @returns what was thrown, where it failed */
  async #attempt(
    plan: SagaPlan,
    step: PlannedStep,
    row: SagaStepsTable,
  ): Promise<{ readonly thrown: unknown } | undefined> {
    const { direction } = row;
    let result: string | null = null;
    try {
      const { result: done, ...context } = await contextFor(plan, this.#state, row);
      const value = await runAttempt(
        (signal) =>
          direction === 'forward'
            ? step.run({ ...context, signal })
            : step.compensate?.({ ...context, signal, result: done }),
        { clock: this.#parts.clock, step: step.name, timeout: step.timeout, signal: this.#lease.signal },
      );
      if (direction === 'forward' && value !== undefined) result = encodeJson(value, step.name);
    } catch (thrown) {
      if (thrown instanceof CannotGoOn) throw thrown;
      // Told to end, it failed for that reason and no other: this is no failure of the step.
      this.#lease.signal.throwIfAborted();
      return { thrown };
    }
    await this.#write({ step: { ...row, state: 'done', result, finished_at: this.#parts.clock.now() } });
    this.#tell('step-done', row);
    return undefined;
  }

  /** Journals a failed attempt, and in the same write what follows from it. @returns whether it is tried again */
  async #fail(step: PlannedStep, row: SagaStepsTable, thrown: unknown): Promise<boolean> {
    const failures = row.failures + 1;
    const failed: SagaStepsTable = {
      ...row,
      ...errorColumns(thrown),
      state: 'failed',
      failures,
      finished_at: this.#parts.clock.now(),
    };
    if (row.direction === 'backward') {
      const willRetry = failures < step.compensationAttempts;
      await this.#write({ step: failed });
      this.#tell('step-failed', failed, { willRetry, error: thrown });
      if (willRetry) return true;
      const message = `The compensation failed ${failures} times: ${failed.error_message}`;
      throw new CannotGoOn('compensation-failed', step.name, message, { cause: thrown });
    }
    const willRetry = failures < step.attempts && step.retryable(thrown);
    const turn = { status: 'compensating', direction: 'backward', failed_step: step.name } as const;
    await this.#write(willRetry ? { step: failed } : { step: failed, saga: turn });
    this.#tell('step-failed', failed, { willRetry, error: thrown });
    if (willRetry) return true;
    this.#cause = thrown;
    this.#tell('compensating', failed, { error: thrown });
    return false;
  }

  async #park({ reason, step, message, cause }: CannotGoOn): Promise<void> {
    const stuck = { stuck_step: step, stuck_reason: reason, stuck_message: storable(message) };
    await this.#write({ saga: { status: 'stuck', owner: null, ...stuck } });
    this.#tell('stuck', { name: step, direction: this.#state.saga.direction }, { error: cause });
  }

  /** Lets others go on at once, where this process ends in good order. */
  async #release(): Promise<void> {
    const underWay = this.#state.steps.find(({ state }) => state === 'started');
    try {
      await this.#write({
        saga: { owner: null },
        ...(underWay === undefined ? {} : { step: { ...underWay, state: 'interrupted' } }),
      });
    } catch (error) {
      // Without it, others go on when the lease has run out; where it was lost, they do already.
      if (error instanceof LeaseLostError) throw error;
      return;
    }
    this.#tell('interrupted');
  }

  #atRest() {
    return { owner: null, finished_at: this.#parts.clock.now() };
  }

  async #write(write: SagaWrite): Promise<void> {
    const { journal, clock, patience } = this.#parts;
    await untilStored(clock, patience, () => journal.write(this.#lease, write), this.#lease.signal);
    this.#state.apply(write);
  }

  #tell(
    type: SagaNews['type'],
    step?: { readonly name: string; readonly direction: SagaDirection; readonly attempts?: number },
    more: Partial<SagaNews> = {},
  ): void {
    const about =
      step === undefined ? {} : { step: step.name, direction: step.direction, attempt: step.attempts };
    this.#parts.tell({ type, saga: this.#state.saga.name, sagaId: this.#lease.sagaId, ...about, ...more });
  }
}

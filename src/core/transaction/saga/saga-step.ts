import type { SagaContext } from './saga-context.ts';

/** How often a step is tried, and how long it waits between two attempts. */
export interface SagaRetry {
  /** How often `run` is tried at most, the first time included: an integer from 1 to 1,000; 1 by default. */
  readonly attempts?: number;
  /**
   * How often `compensate` is tried before the saga is parked as stuck: an integer from 1 to 1,000; 5 by
   * default. Nothing is undone by giving up early, so it is not bound to `attempts`.
   */
  readonly compensationAttempts?: number;
  /** The shortest wait, in ms from 1 to 86,400,000; 100 by default. */
  readonly baseDelay?: number;
  /** The longest wait, in ms from `baseDelay` to 86,400,000; 10,000 by default, or `baseDelay` where that is more. */
  readonly maxDelay?: number;
  /**
   * Whether an error of `run` may go away by itself. By default all do but those that say `retryable: false`,
   * such as a violated constraint; a CommitOutcomeUnknownError is tried again as well, since the step has its
   * idempotency key. One that throws says no. Compensations are tried again after any error.
   */
  readonly retryable?: (error: unknown) => boolean;
}

/** A step of a saga: what it does, and how that is undone. */
export interface SagaStep<Input, Results, Name extends string, Result> {
  /** Unique within the saga: 1 to 100 ASCII letters, digits and `_ . -`, the first of them a letter or digit. */
  readonly name: Name;
  /**
   * Does the work. It may be called again after a crash, a timeout or a failure, with the same
   * `idempotencyKey`; it must have its effect once by that key. No transaction is open while it runs.
   *
   * The result must be JSON, or undefined for none: it is journaled as text, and later steps get what that
   * text says.
   */
  readonly run: (context: SagaContext<Input, Results>) => Promise<Result> | Result;
  /**
   * Undoes the work. It is called where `run` was begun, also where nobody knows whether it happened, so it
   * must bear that there is nothing to undo. A step without it has nothing to undo.
   */
  readonly compensate?: (
    context: SagaContext<Input, Results> & {
      /** What `run` gave; undefined where it did not end, or gave nothing. */
      readonly result: Result | undefined;
    },
  ) => unknown;
  /** How often it is tried. */
  readonly retry?: SagaRetry;
  /**
   * How long one attempt may take, in ms from 1 to 86,400,000; 300,000 by default; false for no limit. Then
   * its `signal` is aborted, and the attempt has failed.
   */
  readonly timeout?: number | false;
}

import { LiminalDataError } from './liminal-data-error.ts';

/** How a saga stands that did not complete. */
export type FailedSagaStatus = 'compensated' | 'stuck' | 'resolved';

/** What a SagaFailedError is made of. */
export interface SagaFailure {
  /** The name of the saga. */
  readonly saga: string;
  /** Its id in the journal. */
  readonly sagaId: string;
  /** How it stands in the journal. */
  readonly status: FailedSagaStatus;
  /** The step that failed, or at which the saga could not go on. */
  readonly step: string;
  /** The steps whose compensation ran to its end. */
  readonly undone: readonly string[];
  /** The steps that may have happened, have a compensation, and were not undone. */
  readonly notUndone: readonly string[];
}

/** A step of a saga failed for good. */
export class SagaFailedError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_SAGA_FAILED',
    retryable: false,
    when: 'A step of a saga failed for good. With status `compensated` everything that may have happened was undone; with `stuck` or `resolved` the steps in `notUndone` were not, or the saga could not go on at all.',
    remedy:
      'Look at `step` and the `cause`. A `stuck` saga waits for a person: `liminal-data saga show ID` tells why; `saga resume ID` lets it be tried again, `saga resolve ID --note …` closes it by hand.',
  } as const;

  /** The name of the saga. */
  readonly saga: string;
  /** Its id in the journal. */
  readonly sagaId: string;
  /** How it stands in the journal. */
  readonly status: FailedSagaStatus;
  /** The step that failed, or at which the saga could not go on. Its error is the `cause`. */
  readonly step: string;
  /** The steps whose compensation ran to its end, in the order in which they were undone. */
  readonly undone: readonly string[];
  /** The steps that may have happened, have a compensation, and were not undone. Empty where all is undone. */
  readonly notUndone: readonly string[];

  constructor(failure: SagaFailure, options?: ErrorOptions) {
    const { saga, sagaId, status, step, undone, notUndone } = failure;
    super(
      `Saga "${saga}" (${sagaId}) failed at step "${step}" and is ${status}. Undone: ${listNames(undone)}; not undone: ${listNames(notUndone)}.`,
      options,
    );
    this.saga = saga;
    this.sagaId = sagaId;
    this.status = status;
    this.step = step;
    this.undone = undone;
    this.notUndone = notUndone;
  }
}

function listNames(names: readonly string[]): string {
  return names.length === 0 ? 'nothing' : names.join(', ');
}

/** Somebody else has taken over what this process held by a lease. */
export class LeaseLostError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_LEASE_LOST',
    retryable: false,
    when: 'A process was paused, or did not reach the journal, for longer than its lease, so that another one took the saga over. Whatever it writes afterwards is refused by the fence.',
    remedy:
      'Leave the saga to its new owner. To wait for the outcome, call `run` again with the same id or idempotency key. Shorten what blocks the event loop, or give `leaseDuration` more room.',
  } as const;

  /** The saga that is held by somebody else now. */
  readonly sagaId: string;

  constructor(sagaId: string, options?: ErrorOptions) {
    super(
      `The lease on saga ${sagaId} is lost: somebody else may carry it on. Nothing more is written for it here.`,
      options,
    );
    this.sagaId = sagaId;
  }
}

/** One idempotency key was used for two different requests. */
export class IdempotencyMismatchError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_IDEMPOTENCY_MISMATCH',
    retryable: false,
    when: 'A saga is run with an id or idempotency key that another run has, and its name or its input is not the same. Nothing was started.',
    remedy: 'Use a new key for a new request, and the same input for a repeated one.',
  } as const;

  /** The saga that has the key. */
  readonly sagaId: string;

  constructor(sagaId: string, options?: ErrorOptions) {
    super(
      `The id or idempotency key belongs to saga ${sagaId}, which was started for something else: another saga or another input.`,
      options,
    );
    this.sagaId = sagaId;
  }
}

/** The runner was closed before the saga had ended. */
export class SagaInterruptedError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_SAGA_INTERRUPTED',
    retryable: false,
    when: 'A SagaRunner is closed, and a saga that it carries on or waits for has not ended. Its lease is released, so that any other runner goes on with it at once; where the journal is away, when the lease has run out.',
    remedy:
      'Nothing is lost. To wait for the outcome, call `run` of another runner with the same id or idempotency key.',
  } as const;

  /** The saga; undefined where none was started yet. */
  readonly sagaId: string | undefined;

  constructor(sagaId: string | undefined, options?: ErrorOptions) {
    super(
      sagaId === undefined
        ? 'The saga runner is closed and starts nothing any more.'
        : `The saga runner was closed before saga ${sagaId} had ended; another runner may go on with it.`,
      options,
    );
    this.sagaId = sagaId;
  }
}

/** An attempt of a saga's step took longer than its timeout. */
export class SagaStepTimeoutError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_SAGA_STEP_TIMEOUT',
    retryable: true,
    when: 'A step of a saga, or its compensation, did not end within its `timeout`. Its `signal` was aborted; it may have happened nevertheless, and counts as a failed attempt.',
    remedy: 'Let the step listen to `signal`, and give `timeout` the time that the step needs.',
  } as const;

  /** The step. */
  readonly step: string;
  /** How long it was given, in ms. */
  readonly timeout: number;

  constructor(step: string, timeout: number, options?: ErrorOptions) {
    super(`Step "${step}" did not end within ${timeout} ms.`, options);
    this.step = step;
    this.timeout = timeout;
  }
}

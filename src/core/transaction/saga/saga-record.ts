import { decodeJson } from '../../query/json-text.ts';
import type { JournaledSaga } from './saga-journal.ts';
import { readStepEntries } from './saga-outcome.ts';
import type { SagaDirection, SagasTable, SagaStatus, SagaStepState, SagaStepsTable } from './saga-tables.ts';

/** A saga, as the journal has it. Times are wall times in ms since the Unix epoch. */
export interface SagaSummary {
  /** Its id. */
  readonly id: string;
  /** The name of its definition. */
  readonly name: string;
  /** The version of its definition. */
  readonly version: number;
  /** How it stands. */
  readonly status: SagaStatus;
  /** The caller's key; undefined where there was none. */
  readonly idempotencyKey: string | undefined;
  /** The step whose failure turned it back; undefined where none did. */
  readonly failedStep: string | undefined;
  /** Why it is stuck, or was when it was resolved; undefined where it is not. */
  readonly stuck: SagaStuck | undefined;
  /** Who holds the lease; undefined where nobody does. */
  readonly owner: string | undefined;
  /** What was said when it was resolved by hand. */
  readonly note: string | undefined;
  /** When it was stored. */
  readonly createdAt: number;
  /** When its state was written last; heartbeats do not count. */
  readonly updatedAt: number;
  /** When it came to its end; undefined where it has not. */
  readonly finishedAt: number | undefined;
}

/** Why a saga is parked. */
export interface SagaStuck {
  /** The step at which it stands. */
  readonly step: string;
  /**
   * `compensation-failed`, `definition-changed`, `unreadable-input`, `unreadable-result` or
   * `crashed-repeatedly`.
   */
  readonly reason: string;
  /** The same for a person, with the message of the last error. */
  readonly message: string;
}

/** A saga with everything that an operator may need. */
export interface SagaDetails extends SagaSummary {
  /** The names of its steps, in their order. */
  readonly stepNames: readonly string[];
  /** The input as it was stored; undefined where there was none. It may hold what a log must not. */
  readonly input: unknown;
  /** The steps that were begun, in the order in which they were done, and then in which they were undone. */
  readonly steps: readonly SagaStepDetails[];
}

/** A step of a saga that was begun, or its compensation. */
export interface SagaStepDetails {
  /** Its name. */
  readonly name: string;
  /** `forward` for the step itself, `backward` for its compensation. */
  readonly direction: SagaDirection;
  /** How it stands. */
  readonly state: SagaStepState;
  /** How often it was begun. */
  readonly attempts: number;
  /** How many of these failed, since it was last let go on by hand. */
  readonly failures: number;
  /** How many of these ended with their process, since then. */
  readonly crashes: number;
  /** The last error; undefined where there was none. */
  readonly error: SagaStepError | undefined;
  /** When the last attempt was begun. */
  readonly startedAt: number;
  /** When it ended; undefined where it did not. */
  readonly finishedAt: number | undefined;
}

/** What the journal keeps of an error. */
export interface SagaStepError {
  /** Its name. */
  readonly name: string | undefined;
  /** Its code, where it had one that is text. */
  readonly code: string | undefined;
  /** Its message, at most 2,000 characters of it. */
  readonly message: string;
}

/** Reads a row of `sagas`. */
export function summaryOf(saga: Readonly<SagasTable>): SagaSummary {
  const { stuck_step: step, stuck_reason: reason, stuck_message: message } = saga;
  return Object.freeze({
    id: saga.id,
    name: saga.name,
    version: saga.version,
    status: saga.status,
    idempotencyKey: saga.idempotency_key ?? undefined,
    failedStep: saga.failed_step ?? undefined,
    stuck:
      step === null || reason === null || message === null
        ? undefined
        : Object.freeze({ step, reason, message }),
    owner: saga.owner ?? undefined,
    note: saga.note ?? undefined,
    createdAt: saga.created_at,
    updatedAt: saga.updated_at,
    finishedAt: saga.finished_at ?? undefined,
  });
}

/** Reads a saga with its steps. An input that is no JSON is given as its text: an operator has to see it. */
export function detailsOf({ saga, steps }: JournaledSaga): SagaDetails {
  const done = steps.filter(({ direction }) => direction === 'forward');
  const undone = steps.filter(({ direction }) => direction === 'backward').toReversed();
  return Object.freeze({
    ...summaryOf(saga),
    stepNames: readStepEntries(saga).map(({ name }) => name),
    input: readableInput(saga.input),
    steps: [...done, ...undone].map(stepDetailsOf),
  });
}

function readableInput(text: string | null): unknown {
  if (text === null) return undefined;
  try {
    return decodeJson(text);
  } catch {
    return text;
  }
}

function stepDetailsOf(step: Readonly<SagaStepsTable>): SagaStepDetails {
  const { name, direction, state, attempts, failures, crashes } = step;
  return Object.freeze({
    name,
    direction,
    state,
    attempts,
    failures,
    crashes,
    error:
      step.error_message === null
        ? undefined
        : Object.freeze({
            name: step.error_name ?? undefined,
            code: step.error_code ?? undefined,
            message: step.error_message,
          }),
    startedAt: step.started_at,
    finishedAt: step.finished_at ?? undefined,
  });
}

import { SagaFailedError, type FailedSagaStatus } from '../../foundation/errors/saga-errors.ts';
import { decodeJson } from '../../query/json-text.ts';
import type { JournaledSaga } from './saga-journal.ts';
import type { SagasTable, SagaStepEntry, SagaStepsTable } from './saga-tables.ts';

/** How a saga ended, as far as it goes by itself. */
export type SagaOutcome =
  | { readonly status: 'completed'; readonly results: Readonly<Record<string, unknown>> }
  | { readonly status: FailedSagaStatus; readonly error: SagaFailedError };

/** Whether nobody carries the saga on any more. */
export function isAtRest({ status }: Pick<SagasTable, 'status'>): boolean {
  return status !== 'running' && status !== 'compensating';
}

/**
 * Reads how a saga ended.
 *
 * @param journaled one that is at rest
 * @param cause what the failed step threw, where this process knows it; else the journal's words are taken
 */
export function outcomeOf({ saga, steps }: JournaledSaga, cause?: unknown): SagaOutcome {
  if (saga.status === 'completed') return { status: 'completed', results: resultsOf(steps) };
  const status = saga.status as FailedSagaStatus;
  const step = saga.failed_step ?? saga.stuck_step ?? '';
  const undone = steps
    .filter(({ direction, state }) => direction === 'backward' && state === 'done')
    .toSorted((one, other) => other.position - one.position)
    .map(({ name }) => name);
  const begun = new Set(steps.filter(({ direction }) => direction === 'forward').map(({ name }) => name));
  const notUndone = readStepEntries(saga)
    .filter(({ name, compensates }) => compensates && begun.has(name) && !undone.includes(name))
    .map(({ name }) => name);
  const failure = { saga: saga.name, sagaId: saga.id, status, step, undone, notUndone };
  return { status, error: new SagaFailedError(failure, { cause: cause ?? rebuildError(saga, steps) }) };
}

/** The results of the steps that are done. */
export function resultsOf(steps: Iterable<Readonly<SagaStepsTable>>): Readonly<Record<string, unknown>> {
  const results: [string, unknown][] = [];
  for (const { direction, state, name, result } of steps) {
    if (direction === 'forward' && state === 'done') results.push([name, decodeResult(result)]);
  }
  return Object.fromEntries(results);
}

/** Reads what a step gave. One that gave nothing, or did not end, has no text. */
export function decodeResult(text: string | null | undefined): unknown {
  return text == null ? undefined : decodeJson(text);
}

/** The steps that a saga had when it was started. */
export function readStepEntries({ steps }: Pick<SagasTable, 'steps'>): readonly SagaStepEntry[] {
  return decodeJson(steps) as readonly SagaStepEntry[];
}

function rebuildError(saga: Readonly<SagasTable>, steps: JournaledSaga['steps']): Error {
  const failed = steps.find(({ direction, name }) => direction === 'forward' && name === saga.failed_step);
  const error = new Error(failed?.error_message ?? saga.stuck_message ?? '');
  if (failed?.error_name != null) error.name = failed.error_name;
  return failed?.error_code == null ? error : Object.assign(error, { code: failed.error_code });
}

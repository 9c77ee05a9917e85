import { validateAsync } from '../../domain/validate.ts';
import { decodeJson } from '../../query/json-text.ts';
import { CannotGoOn } from './cannot-go-on.ts';
import type { SagaContext } from './saga-context.ts';
import { decodeResult, resultsOf } from './saga-outcome.ts';
import type { SagaPlan } from './saga-plan.ts';
import type { SagaState } from './saga-state.ts';
import type { SagaDirection, SagaStepsTable } from './saga-tables.ts';

/** The key by which a step, or its compensation, has its effect once. Names of steps hold no colon. */
function idempotencyKeyOf(sagaId: string, step: string, direction: SagaDirection): string {
  return direction === 'forward' ? `${sagaId}:${step}` : `${sagaId}:${step}:compensate`;
}

type StepContext = Omit<SagaContext<unknown, Readonly<Record<string, unknown>>>, 'signal'> & {
  /** What the step itself gave, for its compensation. */
  readonly result: unknown;
};

/**
 * What one attempt is given, but for its signal. Made anew from the journal's text for each, so that a step
 * that changes what it was given changes nothing for others, and a saga that was taken over sees the same.
 *
 * @throws CannotGoOn where the stored input or a stored result cannot be read
 */
export async function contextFor(
  plan: SagaPlan,
  { saga, steps }: SagaState,
  { name, direction, position, attempts, saga_id }: SagaStepsTable,
): Promise<StepContext> {
  const earlier = steps.filter((step) => step.position < position);
  const own = steps.find((step) => step.position === position && step.direction === 'forward');
  return {
    input: await readOr('unreadable-input', name, () => readInput(plan, saga.input)),
    results: await readOr('unreadable-result', name, async () => resultsOf(earlier)),
    result: await readOr('unreadable-result', name, async () => decodeResult(own?.result)),
    idempotencyKey: idempotencyKeyOf(saga_id, name, direction),
    attempt: attempts,
    sagaId: saga_id,
  };
}

/** Reads an input by the saga's schema. @throws what the schema throws */
export async function readInput(plan: SagaPlan, text: string | null): Promise<unknown> {
  const value = text === null ? undefined : decodeJson(text);
  return plan.input === undefined ? value : validateAsync(plan.input, value);
}

async function readOr<Value>(
  reason: 'unreadable-input' | 'unreadable-result',
  step: string,
  read: () => Promise<Value>,
): Promise<Value> {
  try {
    return await read();
  } catch (error) {
    const message = error instanceof Error ? error.message : 'Something was thrown that is no error.';
    throw new CannotGoOn(reason, step, message, { cause: error });
  }
}

import { defineId, newId } from '../../domain/uuid.ts';
import { encodeJson } from '../../query/json-text.ts';
import { hashJson } from './canonical-json.ts';
import type { AnySaga } from './define-saga.ts';
import { checkIdempotencyKey, type RunSagaOptions } from './saga-runner-options.ts';
import { readInput } from './saga-step-context.ts';
import type { SagasTable, SagaStepEntry } from './saga-tables.ts';

const SagaId = defineId('SagaId');

/**
 * Makes the row of a saga that is to be started.
 *
 * @param owner who will have its first lease
 * @param now the wall time, in ms since the Unix epoch
 * @throws ValidationError where the input, the id or the key breaks a rule
 */
export async function newSagaRow(
  saga: AnySaga,
  input: unknown,
  { id, idempotencyKey }: RunSagaOptions,
  owner: string,
  now: number,
): Promise<SagasTable> {
  if (idempotencyKey !== undefined) checkIdempotencyKey(idempotencyKey);
  const text = input === undefined ? null : encodeJson(input, 'input');
  await readInput(saga, text);
  const steps: SagaStepEntry[] = saga.steps.map(({ name, compensate }) => ({
    name,
    compensates: compensate !== undefined,
  }));
  return {
    id: id === undefined ? newId() : SagaId.parse(id),
    name: saga.name,
    version: saga.version,
    steps: encodeJson(steps),
    status: 'running',
    direction: 'forward',
    idempotency_key: idempotencyKey ?? null,
    input: text,
    // No input is another one than null.
    input_hash: text === null ? '' : hashJson(text),
    owner,
    fence: 1,
    heartbeat: 0,
    failed_step: null,
    stuck_step: null,
    stuck_reason: null,
    stuck_message: null,
    note: null,
    created_at: now,
    updated_at: now,
    finished_at: null,
  };
}

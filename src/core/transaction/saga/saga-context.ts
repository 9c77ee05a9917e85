/** What a step of a saga is given. */
export interface SagaContext<Input, Results> {
  /** The input, as the saga's schema gives it; without a schema as it was stored. */
  readonly input: Input;
  /** What the earlier steps gave, by their names. A step that gave nothing has undefined. */
  readonly results: Results;
  /**
   * The same for every attempt of this step of this saga, in every process, and of no other; a compensation
   * has one of its own. Hand it to whatever is called, or store it beside what is written.
   */
  readonly idempotencyKey: string;
  /** Aborted when the step's time is over, when its runner closes, or when its lease is lost. */
  readonly signal: AbortSignal;
  /** How often this step has been begun, this time included; from 1. */
  readonly attempt: number;
  /** The saga's id in the journal. */
  readonly sagaId: string;
}

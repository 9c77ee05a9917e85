import type { StatementTiming } from '../foundation/statement-timing.ts';

/** What may go with a statement. Engines may leave the timing alone: then only the wait for a lease is known. */
export interface StatementOptions {
  /** Ends the wait, and the statement itself where the engine can cancel one. */
  readonly signal?: AbortSignal | undefined;
  /** Is told while the statement waits; absent where nobody listens. */
  readonly timing?: StatementTiming | undefined;
}

/** A synchronous statement that kept the event loop from turning. Times in ms. */
export interface LoopBlock {
  /** Its text, as it was given. */
  readonly sql: string;
  /** How long it ran. */
  readonly held: number;
  /** From how long on such a one is told of: `connection.loopBlockThreshold`. */
  readonly threshold: number;
  /** Whether a worker thread could have run it. */
  readonly isRead: boolean;
}

/** Hears of them, of the same text now and then. It must not throw; it runs between the database's answer and the caller. */
export type LoopBlockListener = (block: LoopBlock) => void;

/**
 * The right to carry on one saga, until somebody else has taken it. It knows who may write by `fence`, and
 * tells the step under way when it has to end.
 */
export class SagaLease {
  readonly sagaId: string;
  /** Every write of the journal states it. */
  readonly fence: number;
  readonly #step = new AbortController();
  readonly #next = new AbortController();
  /** When the last heartbeat that arrived was sent, in monotonic ms. */
  confirmedAt: number;

  constructor(sagaId: string, fence: number, confirmedAt: number) {
    this.sagaId = sagaId;
    this.fence = fence;
    this.confirmedAt = confirmedAt;
  }

  /** Aborted where the step under way has to end. */
  get signal(): AbortSignal {
    return this.#step.signal;
  }

  /** Aborted where no further attempt may begin. */
  get lastOrders(): AbortSignal {
    return this.#next.signal;
  }

  /** Lets the attempt under way end, and none begin. */
  drain(reason: Error): void {
    this.#next.abort(reason);
  }

  /** Ends the attempt under way. The first reason counts. */
  end(reason: Error): void {
    this.#next.abort(reason);
    this.#step.abort(reason);
  }
}

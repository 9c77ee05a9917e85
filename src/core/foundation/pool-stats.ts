/** The state of a pool at one moment. Counters run from the creation of the pool. */
export interface PoolStats {
  /** Open connections, busy or idle. */
  readonly size: number;
  /** Connections that are lent at the moment. */
  readonly busy: number;
  /** Connections that are open and not lent. */
  readonly idle: number;
  /** Callers that wait for a connection. */
  readonly waiting: number;
  /** The most connections that may be open. */
  readonly max: number;
  /** The longest time in ms that a caller has waited for a connection. */
  readonly longestWait: number;
  /** Connections opened so far. */
  readonly created: number;
  /** Connections closed so far. */
  readonly retired: number;
  /** Callers turned away because no connection came in time or the waiting line was full. */
  readonly timeouts: number;
}

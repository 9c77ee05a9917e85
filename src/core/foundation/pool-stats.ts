/** The state of a pool at one moment. Counters run from the creation of the pool. */
export interface PoolStats {
  /** `draining` once `close()` has begun, `closed` once every connection is. */
  readonly state: 'running' | 'draining' | 'closed';
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
  /** How long in ms the connection is held that is held longest at the moment; 0 where none is. */
  readonly longestHold: number;
  /** Where that connection was taken. Only where `pool.leakThreshold` is above 0. */
  readonly longestHoldStack?: string;
  /** Connections opened so far. */
  readonly created: number;
  /** Connections closed so far. */
  readonly retired: number;
  /** Callers turned away because no connection came in time or the waiting line was full. */
  readonly timeouts: number;
}

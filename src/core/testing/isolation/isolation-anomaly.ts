/** The anomalies that the checker tells apart, in the order in which isolation levels rule them out. */
export const anomalyKinds = [
  'dirty write',
  'aborted read',
  'intermediate read',
  'circular information flow',
  'lost append',
  'incompatible order',
  'own write unseen',
  'non-repeatable read',
  'lost update',
  'read skew',
  'write skew',
] as const;

/**
 * What went wrong between transactions. With the names of Adya's thesis: dirty write G0, aborted read G1a,
 * intermediate read G1b, circular information flow G1c, read skew G-single, write skew G2; lost update and
 * non-repeatable read are G-single on one key. `aborted read`, `intermediate read` and `circular information flow`
 * are what SQL calls dirty reads. `lost append`: a committed value is gone. `incompatible order`: two reads saw the
 * values of a key in two orders. `own write unseen`: a transaction did not see what it had written itself.
 */
export type AnomalyKind = (typeof anomalyKinds)[number];

/** An anomaly that was found. */
export interface IsolationAnomaly {
  /** Which one it is. */
  readonly kind: AnomalyKind;
  /** The ids of the transactions that make it up; of a cycle in its order. */
  readonly transactions: readonly number[];
  /** How they hang together, in a sentence. */
  readonly explanation: string;
}

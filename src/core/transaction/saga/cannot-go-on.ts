/** Why a saga is parked as stuck. */
export type StuckReason =
  | 'compensation-failed'
  | 'definition-changed'
  | 'unreadable-input'
  | 'unreadable-result'
  | 'crashed-repeatedly';

/** Thrown inside of an execution, and nowhere else: the saga needs a person. */
export class CannotGoOn extends Error {
  readonly reason: StuckReason;
  /** The step at which it stands. */
  readonly step: string;

  constructor(reason: StuckReason, step: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.step = step;
  }
}

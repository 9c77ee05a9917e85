import type { HealthStatus } from '../foundation/health-status.ts';

/** One thing that an engine has looked at, for `liminal-data doctor`. */
export interface ExaminationFinding {
  /** What was looked at, in a word or two. */
  readonly subject: string;
  /** How it is. */
  readonly status: HealthStatus;
  /** What was found; it may name tables, files and settings, and holds no secret and no value of a row. */
  readonly message: string;
  /** What to do about it; absent where nothing is to be done. */
  readonly remedy?: string;
}

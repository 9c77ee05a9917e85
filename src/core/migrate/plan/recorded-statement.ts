import type { StatementAssessment } from '../../engine/statement-assessment.ts';
import type { PlannedStatement } from './migration-plan.ts';

/** A statement that a migration sent, as it was recorded. */
export interface RecordedStatement {
  readonly sql: string;
  readonly parameters: number;
  readonly executed: PlannedStatement['executed'];
  readonly duration: number;
  readonly assessment: StatementAssessment;
  /** Codes that it would have if all that the plan made had been there before. */
  readonly codesInUse: readonly string[];
}

import { formatIssues, type Issue } from '../issue.ts';
import { LiminalDataError } from './liminal-data-error.ts';

/** A value that came from outside breaks a rule. Lists every fault with its path. */
export class ValidationError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_VALIDATION',
    retryable: false,
    when: 'A value breaks a rule of its type: an entity, a value object, a filter, a limit, a cursor or a parameter that would not round-trip. Nothing was sent to the database.',
    remedy: 'Show `issues` to whoever made the value; each has a path and a message.',
  } as const;

  /** Every fault, with its path. */
  readonly issues: readonly Issue[];

  constructor(issues: readonly Issue[] | string, options?: ErrorOptions) {
    const list = typeof issues === 'string' ? [{ path: [], message: issues }] : issues;
    super(formatIssues(list), options);
    this.issues = list;
  }
}

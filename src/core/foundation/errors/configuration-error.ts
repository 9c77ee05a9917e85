import { formatIssues, type Issue } from '../issue.ts';
import { LiminalDataError } from './liminal-data-error.ts';

/** The configuration cannot be used; nothing was opened. Lists every fault at once. */
export class ConfigurationError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_CONFIGURATION',
    retryable: false,
    when: 'A configuration value, an environment variable, a driver package or the Node version does not fit. Thrown before anything is opened.',
    remedy: 'Mend what the message lists; `issues` holds each fault with its path.',
  } as const;

  /** Every fault, with its path. */
  readonly issues: readonly Issue[];

  constructor(issues: readonly Issue[] | string, options?: ErrorOptions) {
    const list = typeof issues === 'string' ? [{ path: [], message: issues }] : issues;
    super(formatIssues(list), options);
    this.issues = list;
  }
}

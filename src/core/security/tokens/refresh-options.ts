import { systemClock, type Clock } from '../../foundation/clock.ts';
import { ConfigurationError } from '../../foundation/errors/configuration-error.ts';
import type { Issue } from '../../foundation/issue.ts';
import { silentLogger, type Logger } from '../../foundation/logger.ts';
import { quietLogger } from '../../foundation/quiet-logger.ts';
import { checkWhole } from './check-whole.ts';
import type { Revocations } from './revocations.ts';

/** How long sessions and their refresh tokens live. Times in ms. */
export interface RefreshTokensOptions {
  /** How long one refresh token may wait for its use, from 1,000 to 31,536,000,000. */
  readonly lifetime: number;
  /** How long a session may live with all its refreshes, from `lifetime`. */
  readonly sessionLifetime: number;
  /**
   * How long a token that was used may be shown again, for who has lost the answer, from 0 to 60,000. It is given the
   * same successor, as long as that one was not used. 0 by default: every second use ends the session.
   */
  readonly grace?: number;
  /** Where the access tokens of a session that ends are revoked; without it they live until their time. */
  readonly revocations?: Revocations;
  /** Where time comes from; the machine's by default. */
  readonly clock?: Clock;
  /** Hears of tokens that were used twice. Silent by default. */
  readonly logger?: Logger;
}

/** The options, complete. */
export interface RefreshSettings {
  readonly lifetime: number;
  readonly sessionLifetime: number;
  readonly grace: number;
  readonly revocations: Revocations | undefined;
  /** How long an access token of a session lives at most; infinity where nobody has said so. */
  readonly accessLifetime: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

const longest = 365 * 24 * 60 * 60 * 1_000;

/** @throws ConfigurationError with every fault */
export function refreshSettingsOf(options: RefreshTokensOptions): RefreshSettings {
  const { lifetime, sessionLifetime, grace = 0, revocations, clock = systemClock } = options;
  const issues: Issue[] = [];
  checkWhole(issues, ['lifetime'], lifetime, 1_000, longest);
  checkWhole(issues, ['sessionLifetime'], sessionLifetime, lifetime, 10 * longest);
  checkWhole(issues, ['grace'], grace, 0, 60_000);
  if (issues.length > 0) throw new ConfigurationError(issues);
  const logger = quietLogger(options.logger ?? silentLogger);
  const accessLifetime = Number.POSITIVE_INFINITY;
  return { lifetime, sessionLifetime, grace, revocations, accessLifetime, clock, logger };
}

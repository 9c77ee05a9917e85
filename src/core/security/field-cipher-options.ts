import { ConfigurationError } from '../foundation/errors/configuration-error.ts';
import type { Issue } from '../foundation/issue.ts';
import type { Logger } from '../foundation/logger.ts';

/** How a cipher works. */
export interface FieldCipherOptions {
  /**
   * How many values a key may seal in this process, from 1 to 2^31; 2^31 by default. Divide it by the number of
   * processes that seal with the same key.
   */
  readonly sealLimit?: number;
  /** Behind how many a warning is logged, from 1; half of `sealLimit` by default, so 2^30. */
  readonly sealWarning?: number;
  /** How many values each key has sealed before, by its id, where somebody keeps count. None by default. */
  readonly sealedBefore?: Readonly<Record<string, number>>;
  /** Hears the warning. Silent by default. */
  readonly logger?: Logger;
}

/** How often a key may be used. */
export interface SealLimits {
  readonly limit: number;
  readonly warning: number;
  readonly before: ReadonlyMap<string, number>;
}

/**
 * NIST SP 800-38D, section 8.3: with random vectors of 96 bits one key is used at most 2^32 times, so that two of
 * them are the same with a probability below 2^-32. Half of it is left for what this process does not see.
 */
const greatest = 2 ** 31;

/** @throws ConfigurationError with every option that is out of its range */
export function parseFieldCipherOptions(options: FieldCipherOptions): SealLimits {
  const issues: Issue[] = [];
  const { sealLimit = greatest, sealWarning = Math.ceil(sealLimit / 2), sealedBefore = {} } = options;
  checkCount('sealLimit', sealLimit, [1, greatest], issues);
  checkCount('sealWarning', sealWarning, [1, greatest], issues);
  for (const [id, count] of Object.entries(sealedBefore)) {
    checkCount(`sealedBefore.${id}`, count, [0, Number.MAX_SAFE_INTEGER], issues);
  }
  if (issues.length > 0) throw new ConfigurationError(issues);
  return { limit: sealLimit, warning: sealWarning, before: new Map(Object.entries(sealedBefore)) };
}

function checkCount(
  name: string,
  value: unknown,
  [min, max]: readonly [number, number],
  issues: Issue[],
): void {
  if (Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max) return;
  issues.push({ path: [name], message: `must be an integer from ${min} to ${max}` });
}

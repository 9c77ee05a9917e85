import { ValidationError } from '../../foundation/errors/validation-error.ts';
import type { Clock } from '../../foundation/clock.ts';
import type { Issue } from '../../foundation/issue.ts';
import type { Logger } from '../../foundation/logger.ts';
import { isStorableText } from '../../query/storable-text.ts';
import type { AnySaga } from './define-saga.ts';
import type { SagaListener } from './saga-event.ts';

/** How a runner runs sagas. */
export interface SagaRunnerOptions {
  /**
   * The sagas whose code this process has, each name and version once. Others in the journal are left to those
   * who know their names.
   */
  readonly sagas: readonly AnySaga[];
  /**
   * How long a runner that gives no sign of life keeps its sagas, in ms from 100 to 3,600,000; 15,000 by
   * default. All runners of one journal must have the same. It gives four signs in that time; what blocks its
   * event loop for longer loses it the saga.
   */
  readonly leaseDuration?: number;
  /**
   * How often the journal is looked at for sagas that nobody carries on, and for the end of one that is waited
   * for, in ms from 10 to a quarter of `leaseDuration`; by default that quarter, but 500 at most.
   */
  readonly pollInterval?: number;
  /** How many sagas of others it carries on at once, an integer from 1 to 10,000; 16 by default. */
  readonly concurrency?: number;
  /** Hears what happens to sagas here, each time after the journal has it. */
  readonly onEvent?: SagaListener;
  /** Hears what nobody waits for; silent by default. */
  readonly logger?: Logger;
  /** Where time comes from; the machine's by default. */
  readonly clock?: Clock;
}

/** How one saga is run. */
export interface RunSagaOptions {
  /** The id of the saga, any UUID; a new one by default. The same id again is the same saga. */
  readonly id?: string;
  /**
   * Says that this is one request, however often it is made: 1 to 255 characters. A second run of the same
   * saga with the same key starts nothing, and gets what the first one gets.
   */
  readonly idempotencyKey?: string;
  /** Ends the wait, not the saga: once it is stored it goes on. */
  readonly signal?: AbortSignal;
}

/** The settings of a runner, checked. */
export interface RunnerSettings {
  readonly leaseDuration: number;
  readonly pollInterval: number;
  readonly concurrency: number;
}

const longestPoll = 500;
const longestKey = 255;

/** @throws ValidationError with every fault */
export function checkRunnerOptions(options: SagaRunnerOptions): RunnerSettings {
  const issues: Issue[] = [];
  const { sagas, leaseDuration = 15_000, concurrency = 16 } = options;
  const check = (name: string, value: number, low: number, high: number) => {
    if (Number.isInteger(value) && value >= low && value <= high) return;
    issues.push({ path: [name], message: `must be an integer from ${low} to ${high}` });
  };
  check('leaseDuration', leaseDuration, 100, 3_600_000);
  check('concurrency', concurrency, 1, 10_000);
  const quarter = Math.max(10, Math.floor(leaseDuration / 4));
  const { pollInterval = Math.min(longestPoll, quarter) } = options;
  check('pollInterval', pollInterval, 10, quarter);
  const seen = new Set<string>();
  for (const [index, { name, version }] of sagas.entries()) {
    if (seen.has(`${name}:${version}`)) {
      issues.push({ path: ['sagas', index], message: 'has the name and version of an earlier one' });
    }
    seen.add(`${name}:${version}`);
  }
  if (issues.length > 0) throw new ValidationError(issues);
  return { leaseDuration, pollInterval, concurrency };
}

/** @throws ValidationError where the key breaks a rule */
export function checkIdempotencyKey(key: string): void {
  if (typeof key === 'string' && key !== '' && key.length <= longestKey && isStorableText(key)) return;
  const message = `must be text of 1 to ${longestKey} characters, without NUL and lone surrogates`;
  throw new ValidationError([{ path: ['idempotencyKey'], message }]);
}

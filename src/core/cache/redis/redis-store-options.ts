import { systemClock, type Clock } from '../../foundation/clock.ts';
import { ValidationError } from '../../foundation/errors/validation-error.ts';
import type { Issue } from '../../foundation/issue.ts';
import type { CacheStoreStats } from '../cache-store.ts';
import type { PayloadSeal } from './payload-seal.ts';

/** How a store on a server works. */
export interface RedisStoreOptions {
  /**
   * How long an answer of the server may take, in ms, from 5 to 1,000; 45 by default. Behind one that takes longer nobody asks the
   * server until it answers again.
   */
  readonly timeLimit?: number;
  /** The most bytes that an answer may take there, from 1,024 to 67,108,864; 1 MiB by default. */
  readonly maxBytes?: number;
  /** Whether one process alone loads what none has; true by default. */
  readonly lock?: boolean;
  /** For how long others wait for that one, in ms, from 10 to 60,000; 1,000 by default. Then they load themselves. */
  readonly lockWait?: number;
  /** For how long it may take, in ms, from 10 to 600,000; 5,000 by default. Then another one is let in. */
  readonly lockTime?: number;
  /**
   * How often `bus` listens for itself, in ms, from 20 to 60,000; 500 by default. Where it does not hear itself for three times as
   * long, the cache gives nothing until it does.
   */
  readonly heartbeat?: number;
  /** Seals what leaves the process: a `FieldCipher` fits. Without one the server sees rows as the tables hold them. */
  readonly seal?: PayloadSeal;
  /** Hears what happens to the store, beside the logger of the cache. It must not throw. */
  readonly onEvent?: (event: RedisStoreEvent) => void;
  /** Where its limits get their time from; the machine's by default. */
  readonly clock?: Clock;
}

/** What happens to a store on a server, for whoever counts or warns. */
export type RedisStoreEvent =
  /** The server answers, at first or again. */
  | { readonly type: 'up' }
  /** It does not, or not in time: until it is up the database is read. `reason` is a word, such as `late`, `ended` or a code. */
  | { readonly type: 'down'; readonly reason: string }
  /** An entry was none, or none of its key: it counts as a miss. */
  | { readonly type: 'poison'; readonly region: string }
  /** Changes are not confirmed by the server, from now on: what depends on them is not read there until they are. */
  | { readonly type: 'unconfirmed' }
  /** All changes are confirmed again. */
  | { readonly type: 'confirmed' };

/** What a store on a server has done since it was made. What it keeps, only the server knows. */
export interface RedisStoreStats extends CacheStoreStats {
  /** Whether the server answers. */
  readonly isUp: boolean;
  /** How often it stopped to. */
  readonly downs: number;
  /** Answers that it had. */
  readonly hits: number;
  /** Questions that it had no valid answer to. */
  readonly misses: number;
  /** Questions that it was not asked: it was down, or what they depend on was unconfirmed. */
  readonly skipped: number;
  /** Entries that were none. */
  readonly poisoned: number;
  /** Questions that waited for the load of another process. */
  readonly waits: number;
  /** Slots whose change is not confirmed. */
  readonly unconfirmed: number;
}

/** The options with their defaults, checked. */
export type CheckedRedisStoreOptions = Required<Omit<RedisStoreOptions, 'seal'>> &
  Pick<RedisStoreOptions, 'seal'>;

/** @throws ValidationError with every fault */
export function checkRedisStoreOptions(options: RedisStoreOptions): CheckedRedisStoreOptions {
  const issues: Issue[] = [];
  const { timeLimit = 45, maxBytes = 2 ** 20, lock = true, lockWait = 1_000, lockTime = 5_000 } = options;
  const { heartbeat = 500, seal, onEvent = () => {}, clock = systemClock } = options;
  checkRange('timeLimit', timeLimit, [5, 1_000], issues);
  checkRange('maxBytes', maxBytes, [1_024, 2 ** 26], issues);
  checkRange('lockWait', lockWait, [10, 60_000], issues);
  checkRange('lockTime', lockTime, [10, 600_000], issues);
  checkRange('heartbeat', heartbeat, [20, 60_000], issues);
  if (typeof lock !== 'boolean') issues.push({ path: ['lock'], message: 'must be true or false' });
  if (typeof onEvent !== 'function') issues.push({ path: ['onEvent'], message: 'must be a function' });
  if (seal !== undefined && (typeof seal?.seal !== 'function' || typeof seal.open !== 'function')) {
    issues.push({ path: ['seal'], message: 'must have the functions seal and open' });
  }
  if (issues.length > 0) throw new ValidationError(issues);
  const base = { timeLimit, maxBytes, lock, lockWait, lockTime, heartbeat, onEvent, clock };
  return seal === undefined ? base : { ...base, seal };
}

function checkRange(
  name: string,
  value: unknown,
  [least, most]: readonly [number, number],
  issues: Issue[],
): void {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return;
  issues.push({ path: [name], message: `must be an integer from ${least} to ${most}` });
}

import type { DatabaseConfig, PoolConfig } from './database-config.ts';

/** Range and default of a whole number. */
interface IntegerOption {
  readonly min: number;
  readonly max: number;
  readonly default: number;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** Ranges and defaults of `pool`. The one place where they stand; docs/configuration.md is held against it. */
export const poolOptions = {
  min: { min: 0, max: 10_000, default: 0 },
  max: { min: 1, max: 10_000, default: 10 },
  acquireTimeout: { min: 1, max: hour, default: 5 * second },
  idleTimeout: { min: 0, max: 24 * hour, default: 10 * minute },
  maxLifetime: { min: 0, max: 24 * hour, default: 30 * minute },
  maxWaiting: { min: 0, max: 1_000_000, default: 1000 },
  leakThreshold: { min: 0, max: 24 * hour, default: 0 },
} as const satisfies Record<keyof PoolConfig, IntegerOption>;

/** Ranges and defaults of the numbers beside `pool`. */
export const timeoutOptions = {
  statementTimeout: { min: 0, max: 24 * hour, default: 30 * second },
  lockTimeout: { min: 0, max: hour, default: 10 * second },
  slowQueryThreshold: { min: 0, max: 24 * hour, default: 100 },
} as const satisfies Partial<Record<keyof DatabaseConfig, IntegerOption>>;

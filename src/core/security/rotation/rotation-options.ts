import type { CompiledQuery, Kysely } from 'kysely';
import { systemClock, type Clock } from '../../foundation/clock.ts';
import { ValidationError } from '../../foundation/errors/validation-error.ts';
import type { Issue } from '../../foundation/issue.ts';
import type { TableEncryption } from '../../foundation/table-encryption.ts';
import type { KeyRing } from '../key-ring.ts';

/** The part of a provider that the rotation of keys needs; `DatabaseProvider` fits. */
export interface RotationProvider<DB> {
  /** The root handle. */
  readonly db: Kysely<DB>;
  /** Runs statements as one transaction. */
  batch(members: readonly CompiledQuery[]): Promise<readonly (readonly unknown[])[]>;
}

/** Which tables are meant, and by which keys. */
export interface KeyUseOptions {
  /** The keys: the active one, and every older one that rows are still sealed with. */
  readonly ring: KeyRing;
  /** Every table that is encrypted with this ring. */
  readonly tables: readonly TableEncryption[];
  /** Ends the work between two statements; what is done stays done. */
  readonly signal?: AbortSignal;
}

/** What is rotated, and how gently. */
export interface RotateKeysOptions extends KeyUseOptions {
  /** The most rows of one transaction, from 1 to 10,000; 200 by default. */
  readonly batchSize?: number;
  /** The pause between two batches in ms, from 0 to 60,000; 10 by default. */
  readonly throttle?: number;
  /** Hears of each batch, behind its commit. Where it throws, the rotation ends; what is done stays done. */
  readonly onProgress?: (progress: RotationProgress) => void;
  /** Where time comes from; the machine's by default. */
  readonly clock?: Clock;
}

/** How far a rotation is in a table. */
export interface RotationProgress {
  /** The table. */
  readonly table: string;
  /** Rows that other keys than the active one had sealed or indexed when the table was begun. */
  readonly total: number;
  /** Rows sealed anew so far. */
  readonly rotated: number;
  /** Rows that somebody else changed in the moment between; they are looked at again. */
  readonly overtaken: number;
  /** Values that did not open, and were left as they are. */
  readonly unreadable: number;
  /** Rows that were left as they are: their new blind index is unique, and a row of an equal value has it already. */
  readonly taken: number;
  /** How often the table is walked through, from 1. */
  readonly pass: number;
}

/** The options as they were checked. */
export type RotationPlan = Required<Omit<RotateKeysOptions, 'signal'>> & Pick<RotateKeysOptions, 'signal'>;

/**
 * Checks the options.
 *
 * @throws ValidationError with every fault
 */
export function planRotation(options: RotateKeysOptions): RotationPlan {
  const { batchSize = 200, throttle = 10, clock = systemClock, onProgress = () => {}, signal } = options;
  const issues: Issue[] = [];
  checkNumber('batchSize', batchSize, 1, 10_000, issues);
  checkNumber('throttle', throttle, 0, 60_000, issues);
  checkTables(options.tables, issues);
  if (issues.length > 0) throw new ValidationError(issues);
  const { ring, tables } = options;
  return {
    ring,
    tables,
    batchSize,
    throttle,
    onProgress,
    clock,
    ...(signal === undefined ? {} : { signal }),
  };
}

/** No table would mean that nothing is encrypted, and a key that nothing needs. */
export function checkTables(tables: readonly TableEncryption[], issues: Issue[]): void {
  if (!Array.isArray(tables) || tables.length === 0) {
    issues.push({ path: ['tables'], message: 'must name each encrypted table, as defineEncryption made it' });
  }
}

function checkNumber(name: string, value: number, min: number, max: number, issues: Issue[]): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  issues.push({ path: [name], message: `must be a whole number from ${min} to ${max}` });
}

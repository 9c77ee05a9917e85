/** Holds the values of a row against the columns that they go to. Pure. */
import type { TransferCell, TransferColumn, TransferRow } from '../engine/transfer-table.ts';
import type { TransferTraits } from '../engine/transfer-traits.ts';
import type { BadRowReason } from './bad-row.ts';
import type { CopiedColumn } from './copied-table.ts';

/** What is wrong with a row, and in which columns. */
export interface Misfit {
  readonly reason: BadRowReason;
  readonly columns: readonly string[];
}

/** Finds what is wrong with a row; undefined where it fits. The first reason counts, with all of its columns. */
export type FindMisfit = (row: TransferRow) => Misfit | undefined;

type FindFault = (value: Exclude<TransferCell, null>) => BadRowReason | undefined;

/** What a target's engine cannot hold. */
export type TargetLimits = Pick<TransferTraits, 'holdsNul' | 'holdsNaN'>;

/**
 * Prepares the look at the rows of a table.
 *
 * @param columns in the order of the values
 * @param limits of the target's engine
 */
export function prepareFit(columns: readonly CopiedColumn[], limits: TargetLimits): FindMisfit {
  const checks = columns.map(({ to }) => ({
    isRequired: !to.nullable,
    find: faultFinder(to, limits),
  }));
  const faultOf = (value: TransferCell, index: number): BadRowReason | undefined => {
    const { isRequired, find } = checks[index]!;
    if (value !== null) return find(value);
    return isRequired ? 'null-not-allowed' : undefined;
  };
  return (row) => {
    for (let index = 0; index < row.length; index += 1) {
      const reason = faultOf(row[index]!, index);
      if (reason === undefined) continue;
      const same = columns.filter((_, other) => faultOf(row[other]!, other) === reason);
      return { reason, columns: same.map(({ name }) => name) };
    }
    return undefined;
  };
}

function faultFinder(to: TransferColumn, limits: TargetLimits): FindFault {
  switch (to.kind) {
    case 'text':
    case 'other':
      return limits.holdsNul
        ? (value) => textFault(value, to)
        : (value) => textFault(value, to) ?? nulFault(value);
    case 'uuid':
      return (value) => (typeof value === 'string' && isUuid(value) ? undefined : 'invalid-uuid');
    case 'json':
      return (value) => jsonFault(value, limits);
    case 'integer':
      return (value) => integerFault(value, to);
    case 'boolean':
      return (value) => (value === 0 || value === 1 ? undefined : 'wrong-type');
    case 'real':
      return (value) => realFault(value, limits);
    case 'blob':
      return (value) => (Buffer.isBuffer(value) ? undefined : 'wrong-type');
  }
}

function textFault(value: TransferCell, { kind }: TransferColumn): BadRowReason | undefined {
  if (typeof value === 'string') return undefined;
  if (Buffer.isBuffer(value)) return kind === 'text' ? 'not-text' : undefined;
  return kind === 'text' ? 'wrong-type' : undefined;
}

function nulFault(value: TransferCell): BadRowReason | undefined {
  return typeof value === 'string' && value.includes('\0') ? 'nul-in-text' : undefined;
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text);
}

/** Beyond the range in which the repositories read integers they would be errors there. */
function integerFault(value: TransferCell, { range }: TransferColumn): BadRowReason | undefined {
  if (typeof value === 'bigint') return 'integer-out-of-range';
  if (typeof value !== 'number' || !Number.isInteger(value)) return 'wrong-type';
  if (!Number.isSafeInteger(value)) return 'integer-out-of-range';
  if (range !== undefined && (value < range[0] || value > range[1])) return 'integer-out-of-range';
  return undefined;
}

function realFault(value: TransferCell, { holdsNaN }: TargetLimits): BadRowReason | undefined {
  if (typeof value === 'bigint') return 'integer-out-of-range';
  if (typeof value !== 'number') return 'wrong-type';
  return Number.isNaN(value) && !holdsNaN ? 'not-a-number' : undefined;
}

/** Where no text holds a NUL, no JSON does either, and no half of a pair of surrogates. */
function jsonFault(value: TransferCell, { holdsNul }: TargetLimits): BadRowReason | undefined {
  if (typeof value !== 'string') return 'invalid-json';
  try {
    const parsed: unknown = JSON.parse(value);
    return !holdsNul && value.includes('\\u') && !isStorable(parsed) ? 'invalid-json' : undefined;
  } catch {
    return 'invalid-json';
  }
}

function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0');
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([name, member]) => isStorable(name) && isStorable(member));
}

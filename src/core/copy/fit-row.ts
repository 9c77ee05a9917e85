/** Holds the values of a row against the columns that they go to. Pure. */
import type { TransferCell, TransferColumn, TransferRow } from '../engine/transfer-table.ts';
import type { TransferTraits } from '../engine/transfer-traits.ts';
import type { BadRowReason } from './bad-row.ts';
import { isDecimal, isRounded } from './canonical-decimal.ts';
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
    case 'any':
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
      return (value) =>
        value === 0 || value === 1 || value === 0n || value === 1n ? undefined : 'wrong-type';
    case 'real':
      return (value) => realFault(value, to, limits);
    case 'decimal':
      return (value) => decimalFault(value, to, limits);
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
  // A column of decimal numbers gives texts.
  const isWhole = typeof value === 'bigint' || (typeof value === 'string' && /^-?\d+$/.test(value));
  const number = isWhole ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number)) return 'wrong-type';
  if (!Number.isSafeInteger(number)) return 'integer-out-of-range';
  if (range !== undefined && (number < range[0] || number > range[1])) return 'integer-out-of-range';
  return undefined;
}

/** The numbers of a column of doubles fit another one, so of most columns none is looked at digit by digit. */
function realFault(
  value: TransferCell,
  { rounding }: TransferColumn,
  { holdsNaN }: TargetLimits,
): BadRowReason | undefined {
  if (typeof value === 'number' && rounding === undefined) {
    return Number.isNaN(value) && !holdsNaN ? 'not-a-number' : undefined;
  }
  return numberFault(value, rounding ?? 'double', holdsNaN);
}

function decimalFault(
  value: TransferCell,
  { rounding }: TransferColumn,
  { holdsNaN }: TargetLimits,
): BadRowReason | undefined {
  // A double that goes into another one, as between two of SQLite.
  if (typeof value !== 'string' && rounding === 'double') return numberFault(value, undefined, holdsNaN);
  return numberFault(value, rounding, holdsNaN);
}

function numberFault(
  value: TransferCell,
  rounding: TransferColumn['rounding'],
  holdsNaN: boolean,
): BadRowReason | undefined {
  if (value === null || Buffer.isBuffer(value)) return 'wrong-type';
  const text = String(value);
  if (text === 'NaN') return holdsNaN ? undefined : 'not-a-number';
  if (!isDecimal(text)) return /^-?Infinity$/.test(text) ? undefined : 'wrong-type';
  return rounding !== undefined && isRounded(text, rounding) ? 'rounded' : undefined;
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

import { InvalidArgumentError, Option, type Command } from 'commander';
import { userInfo } from 'node:os';
import type { AuditFilter } from '../core/audit/index.ts';
import { defineId } from '../core/domain/index.ts';
import { runAs } from '../core/index.ts';
import { collect } from './migration-sets.ts';
import type { DatabaseOptions } from './open-database.ts';

/** The options that say which entries are meant. */
export interface FilterOptions extends DatabaseOptions {
  readonly actor?: string;
  readonly entity?: EntityOption;
  readonly action?: readonly string[];
  readonly from?: number;
  readonly to?: number;
  readonly tenant?: string;
  readonly stream?: string;
  readonly request?: string;
  readonly text?: string;
}

/** A type, with or without an id. */
export interface EntityOption {
  readonly type: string;
  readonly id?: string;
}

/** Adds the options that say which entries are meant. */
export function addFilterOptions(command: Command): Command {
  return command
    .option('--actor <id>', 'what this actor did')
    .addOption(entityOption('what was done to this entity, or to this type of them'))
    .option('--action <name>', 'what was done, such as update; may be given several times', collect)
    .option('--from <time>', 'at this time or later, such as 2026-07-01 or 2026-07-01T12:00Z', parseTime)
    .option('--to <time>', 'before this time', parseTime)
    .option('--tenant <id>', 'in this tenant')
    .option('--stream <name>', 'in this chain')
    .option('--request <id>', 'in this request')
    .option(
      '--text <text>',
      'what holds this text in its changes, reason or metadata; looks through all the rest',
    );
}

/** The option `--entity type` or `--entity type:id`. */
export function entityOption(description: string): Option {
  return new Option('--entity <type[:id]>', description).argParser(parseEntity);
}

/** Reads a type with or without an id, from `type` or `type:id`. */
export function parseEntity(text: string): EntityOption {
  const at = text.indexOf(':');
  if (at === 0 || at === text.length - 1) throw new InvalidArgumentError('It must be a type, or type:id.');
  return at < 0 ? { type: text } : { type: text.slice(0, at), id: text.slice(at + 1) };
}

/** The filter that the options say. */
export function filterOf(options: FilterOptions): AuditFilter {
  const { actor, entity, action, from, to, tenant, stream, request, text } = options;
  return { actor, entity, action, from, to, tenant, stream, requestId: request, text };
}

/** Reads a time in ISO 8601; without a zone it is UTC. */
function parseTime(text: string): number {
  const form =
    /^\d{4}-\d{2}-\d{2}(?<time>T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(?<zone>Z|[+-]\d{2}:\d{2})?)?$/u.exec(text);
  const hasZone = form?.groups?.['time'] === undefined || form.groups['zone'] !== undefined;
  const time = form === null ? Number.NaN : Date.parse(hasZone ? text : `${text}Z`);
  if (Number.isNaN(time))
    throw new InvalidArgumentError('It must be a time, such as 2026-07-01 or 2026-07-01T12:00Z.');
  return time;
}

const day = 24 * 60 * 60 * 1_000;
const units: Readonly<Record<string, number>> = { h: day / 24, d: day, w: 7 * day, y: 365 * day };

/** Reads an age, such as `400d`. */
export function parseAge(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,6})([hdwy])$/u.exec(text) ?? [];
  const age = Number(count) * (units[unit] ?? 0);
  if (age > 0) return age;
  throw new InvalidArgumentError(
    'It must be an age in hours, days, weeks or years of 365 days: 12h, 400d, 8w, 7y.',
  );
}

const anyId = defineId('AuditId');

/** Reads the id of an entry or of a hold. */
export function parseId(text: string): string {
  const id = text.toLowerCase();
  if (anyId.is(id)) return id;
  throw new InvalidArgumentError('It must be a UUID.');
}

/** Reads how many entries are asked for. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/u.test(text) && count >= 1 && count <= 1_000) return count;
  throw new InvalidArgumentError('It must be a whole number from 1 to 1000.');
}

/** Runs work in the name of who has called. */
export function asCaller<Result>(work: () => Result): Result {
  return runAs({ type: 'system', id: callerName() }, work);
}

/** Who has called, as the operating system knows it: a command line knows no user of the application. */
function callerName(): string {
  try {
    return `command line: ${userInfo().username}`;
  } catch {
    // A container may run as a number that has no name.
    return 'command line';
  }
}

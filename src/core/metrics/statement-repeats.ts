import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import type { StatementEvent } from '../foundation/statement-event.ts';
import { findCallSite } from './call-site.ts';
import { fingerprint } from './fingerprint.ts';

/** From when on repeats are told. */
export interface NPlusOneOptions {
  /** How often the same statement may run, an integer from 1; 10 by default. */
  readonly limit?: number;
  /** Statements that may run as often as they like, by the id or the text of their fingerprints. */
  readonly ignore?: readonly string[];
}

/** A statement that ran again and again, where one for all of the rows would have done. */
export interface NPlusOneFinding {
  /** The id of the statement's fingerprint. */
  readonly fingerprint: string;
  /** The text of the fingerprint. */
  readonly query: string;
  /** How often it ran. */
  readonly count: number;
  /** Who ran it when it was once too often; undefined where that cannot be told. */
  readonly callSite: string | undefined;
}

/** How many different statements are counted. */
const mostCounted = 1_000;
/** What the library sends by itself around the statements of others. */
const control = new Set([
  'begin',
  'start',
  'commit',
  'end',
  'rollback',
  'savepoint',
  'release',
  'set',
  'pragma',
]);

/** Counts how often the same statement runs in one scope. The members of a batch are one round trip, and do not count. */
export class StatementRepeats {
  readonly #limit: number;
  readonly #ignored: ReadonlySet<string>;
  readonly #counts = new Map<string, number>();
  readonly #found = new Map<string, NPlusOneFinding>();
  #heard = 0;

  /** @param options checked by `checkNPlusOneOptions` */
  constructor({ limit = 10, ignore = [] }: NPlusOneOptions) {
    this.#limit = limit;
    this.#ignored = new Set(ignore);
  }

  /** How many statements it was told of. */
  get heard(): number {
    return this.#heard;
  }

  /** What ran too often so far. */
  get findings(): readonly NPlusOneFinding[] {
    return [...this.#found.values()].map((found) => ({
      ...found,
      count: this.#counts.get(found.fingerprint) ?? found.count,
    }));
  }

  /** @returns a finding where the statement ran once too often just now; once a statement */
  note(event: StatementEvent): NPlusOneFinding | undefined {
    this.#heard += 1;
    if (event.kind === 'batch') return undefined;
    const { id, text, operation } = fingerprint(event.sql);
    if (control.has(operation.toLowerCase()) || this.#ignored.has(id) || this.#ignored.has(text))
      return undefined;
    const before = this.#counts.get(id);
    if (before === undefined && this.#counts.size >= mostCounted) return undefined;
    const count = (before ?? 0) + 1;
    this.#counts.set(id, count);
    if (count !== this.#limit + 1) return undefined;
    const found = { fingerprint: id, query: text, count, callSite: findCallSite() };
    this.#found.set(id, found);
    return found;
  }
}

/** @throws ValidationError with every fault of the options */
export function checkNPlusOneOptions({ limit = 10, ignore = [] }: NPlusOneOptions): void {
  const issues: Issue[] = [];
  if (!Number.isSafeInteger(limit) || limit < 1) {
    issues.push({ path: ['limit'], message: 'must be an integer from 1' });
  }
  if (!Array.isArray(ignore) || ignore.some((name) => typeof name !== 'string')) {
    issues.push({ path: ['ignore'], message: 'must be a list of ids or texts of fingerprints' });
  }
  if (issues.length > 0) throw new ValidationError(issues);
}

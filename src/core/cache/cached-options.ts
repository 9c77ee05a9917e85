import type { Issue } from '../foundation/issue.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { TableDefinition } from '../repository/table-definition.ts';
import type { CachedTerms } from './cached-terms.ts';
import type { RepositoryCache } from './repository-cache.ts';
import { tableName } from './tags.ts';

/** What a cached repository was asked for, for whoever names the tags of the answer. */
export interface CachedRead {
  /** Of a read by key: a value for each column of the key. */
  readonly key?: readonly unknown[];
  /** Of any other read: the filter as the caller wrote it. */
  readonly filter?: object;
}

/** How long, and under which names, the answers of a repository are kept. */
export interface CachedOptions<Column extends string = string> {
  /** The cache that keeps them. */
  readonly cache: RepositoryCache;
  /** For how long an answer is given as it is, in ms, from 1 to 86,400,000; 60,000 by default. */
  readonly ttl?: number;
  /**
   * For how much longer it is given while it is read anew behind the caller, in ms, from 0 to 86,400,000; 0 by default.
   * It is about age alone: what a write has made invalid is never given.
   */
  readonly staleWhileRevalidate?: number;
  /**
   * For how long it is known that there is no row, in ms, from 0 to 86,400,000; `ttl`, but at most 5,000, by default. An
   * insert ends it at once.
   */
  readonly negativeTtl?: number;
  /** A part of `ttl` that is taken off at random, so that what came together does not go together: 0 to 1; 0.1 by default. */
  readonly jitter?: number;
  /** How long callers wait for a load that does not end, in ms, from 1 to 86,400,000; 30,000 by default. */
  readonly loadTimeout?: number;
  /**
   * Names that `invalidate({ tags })` means: for all answers, or made of what is asked for. The function must give the same
   * tags for the same question.
   */
  readonly tags?: readonly string[] | ((read: CachedRead) => readonly string[]);
  /** What the answers are counted under and emptied by; the table's name by default. */
  readonly namespace?: string;
  /**
   * Columns of text, UUIDs or integers by which the table falls into groups, such as the thread of a message. A list
   * whose filter fixes one of them survives writes of other groups. They should be columns that no update writes.
   */
  readonly groups?: readonly Column[];
  /** Other tables that the answers depend on, where the table is a view or has columns that others fill. */
  readonly dependsOn?: readonly string[];
  /** Whether the answers must not leave this process; false by default. */
  readonly sensitive?: boolean;
  /** The version of what the mapper reads out of the columns: change it with a change that the columns do not show. */
  readonly shapeVersion?: string | number;
}

const longest = 86_400_000;
const groupKinds: ReadonlySet<string> = new Set(['text', 'uuid', 'integer']);

/**
 * @param uncached the tables whose writes the cache does not hear of, by `tableName`
 * @throws ValidationError with every fault of the options, also of what they say about the table
 */
export function checkCachedOptions(
  options: CachedOptions,
  definition: TableDefinition,
  uncached: ReadonlySet<string>,
): CachedTerms {
  const issues: Issue[] = [];
  const { ttl = 60_000, staleWhileRevalidate = 0, jitter = 0.1, loadTimeout = 30_000 } = options;
  const { negativeTtl = Math.min(ttl, 5_000) } = options;
  checkMs('ttl', ttl, 1, issues);
  checkMs('staleWhileRevalidate', staleWhileRevalidate, 0, issues);
  checkMs('negativeTtl', negativeTtl, 0, issues);
  checkMs('loadTimeout', loadTimeout, 1, issues);
  if (typeof jitter !== 'number' || !(jitter >= 0 && jitter <= 1)) {
    issues.push({ path: ['jitter'], message: 'must be a number from 0 to 1' });
  }
  if (typeof options.tags !== 'function') checkNames('tags', options.tags, issues);
  if (checkNames('dependsOn', options.dependsOn, issues)) {
    for (const table of [definition.table, ...(options.dependsOn ?? [])]) {
      if (uncached.has(tableName(table))) issues.push(unheard(table));
    }
  }
  if (checkNames('groups', options.groups, issues)) {
    for (const name of options.groups ?? []) checkGroup(name, definition, issues);
  }
  const { namespace } = options;
  if (namespace !== undefined && (typeof namespace !== 'string' || namespace === '')) {
    issues.push({ path: ['namespace'], message: 'must be a name' });
  }
  if (issues.length > 0) throw new ValidationError(issues);
  return { ttl, staleFor: staleWhileRevalidate, negativeTtl, jitter, loadTimeout };
}

function unheard(table: string): Issue {
  return {
    path: ['cache'],
    message: `is told of no write of table "${table}", which stands in its option "uncached"`,
  };
}

function checkMs(name: string, value: unknown, least: number, issues: Issue[]): void {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= longest) return;
  issues.push({ path: [name], message: `must be an integer from ${least} to ${longest}, in ms` });
}

function checkNames(name: string, value: unknown, issues: Issue[]): boolean {
  const isList = Array.isArray(value) && value.every((each) => typeof each === 'string' && each !== '');
  if (value === undefined || isList) return true;
  issues.push({ path: [name], message: 'must be a list of names' });
  return false;
}

function checkGroup(name: string, { columns, table }: TableDefinition, issues: Issue[]): void {
  const column = columns.get(name);
  if (column !== undefined && groupKinds.has(column.kind) && !column.sealed) return;
  issues.push({
    path: ['groups'],
    message: `must name columns of table "${table}" that hold text, UUIDs or integers and are not encrypted`,
  });
}

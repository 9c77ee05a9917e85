/**
 * What a statement may do, as far as its first word tells:
 *
 * - `read`: SELECT, VALUES and WITH. It may be prepared on a reader, where it shows whether it writes after all.
 * - `write`: INSERT, UPDATE, DELETE and REPLACE. It changes rows and nothing of the connection, so it may share
 *   a transaction with others.
 * - `other`: everything else, and reads of what the connection itself remembers. It runs on the writer, alone.
 */
export type StatementKind = 'read' | 'write' | 'other';

const kinds: ReadonlyMap<string, StatementKind> = new Map([
  ['select', 'read'],
  ['values', 'read'],
  ['with', 'read'],
  ['insert', 'write'],
  ['update', 'write'],
  ['delete', 'write'],
  ['replace', 'write'],
]);

/** What a reader cannot answer: they tell of the last write of the same connection. */
const lastWritePattern = /\b(?:last_insert_rowid|changes|total_changes)\s*\(/i;

/** @returns the kind of a statement, without preparing it: preparing alone already runs some PRAGMAs */
export function kindOf(sql: string): StatementKind {
  const kind = kinds.get(firstWord(sql)) ?? 'other';
  return kind === 'read' && asksForLastWrite(sql) ? 'other' : kind;
}

/** Whether a statement asks what its connection remembers of its last write. */
export function asksForLastWrite(sql: string): boolean {
  return lastWritePattern.test(sql);
}

/** Whether a statement is a PRAGMA. One that is merely prepared may have been run by that. */
export function isPragma(sql: string): boolean {
  return firstWord(sql) === 'pragma';
}

/**
 * PRAGMAs that change no answer of their connection although they are given something: questions, tasks, what
 * the file keeps, and limits of size.
 */
const harmlessPragmas: ReadonlySet<string> = new Set([
  'analysis_limit',
  'application_id',
  'cache_size',
  'cache_spill',
  'foreign_key_check',
  'foreign_key_list',
  'incremental_vacuum',
  'index_info',
  'index_list',
  'index_xinfo',
  'integrity_check',
  'journal_size_limit',
  'max_page_count',
  'optimize',
  'quick_check',
  'table_info',
  'table_list',
  'table_xinfo',
  'user_version',
  'wal_autocheckpoint',
  'wal_checkpoint',
]);

/**
 * Whether a statement of the kind `other` may leave something on its connection that the next borrower would
 * find: a setting, an attached database, a temporary table. When in doubt, yes.
 */
export function leavesTraces(sql: string): boolean {
  switch (firstWord(sql)) {
    case 'pragma': {
      const { name, isGiven } = readPragma(sql);
      return isGiven && !harmlessPragmas.has(name);
    }
    // Some PRAGMAs run while they are prepared, even if only to be explained.
    case 'explain':
      return /\bpragma\b/i.test(sql);
    case 'attach':
    case 'detach':
      return true;
    case 'create':
      return /\btemp(?:orary)?\b/i.test(sql);
    default:
      return false;
  }
}

/** Whether a statement switches foreign keys on or off. */
export function switchesForeignKeys(sql: string): boolean {
  if (!isPragma(sql)) return false;
  const { name, isGiven } = readPragma(sql);
  return name === 'foreign_keys' && isGiven;
}

const comments = /--[^\n]*|\/\*[^]*?(?:\*\/|$)/g;

/** The names of a schema and of a PRAGMA stand bare or in any of SQLite's quotes. */
const pragmaPattern = /pragma\s*(?:["'`[]?\w+["'`\]]?\s*\.\s*)?["'`[]?(\w+)["'`\]]?\s*([=(])?/i;

/** @returns the name in lower case, and whether something is given. One that cannot be read may set anything. */
export function readPragma(sql: string): { readonly name: string; readonly isGiven: boolean } {
  const [, name, given] = pragmaPattern.exec(sql.replaceAll(comments, ' ')) ?? [];
  return { name: name?.toLowerCase() ?? '', isGiven: name === undefined || given !== undefined };
}

/** The first word in lower case, behind white space, comments, semicolons and parentheses. */
function firstWord(sql: string): string {
  const start = skipFiller(sql);
  let end = start;
  while (end < sql.length && isLetter(sql.charCodeAt(end))) end += 1;
  return sql.slice(start, end).toLowerCase();
}

function skipFiller(sql: string): number {
  let at = 0;
  while (at < sql.length) {
    const char = sql[at] as string;
    if (char === '-' && sql[at + 1] === '-') at = endOf(sql, '\n', at);
    else if (char === '/' && sql[at + 1] === '*') at = endOf(sql, '*/', at + 2);
    else if (char === '(' || char === ';' || char <= ' ') at += 1;
    else break;
  }
  return at;
}

function endOf(sql: string, mark: string, from: number): number {
  const found = sql.indexOf(mark, from);
  return found === -1 ? sql.length : found + mark.length;
}

function isLetter(code: number): boolean {
  const lower = code | 0x20;
  return lower >= 97 && lower <= 122;
}

import { tokensOf, type SqlLexicon, type SqlToken } from '../../engine/sql-tokens.ts';
import { readTableWrite } from './read-table-write.ts';
import { isSignToken, isWordToken } from './token-walk.ts';
import { anyShape, type TableWrite, type WriteShape } from './touch.ts';

const notAscii = /\P{ASCII}/u;
const loneReturn = /\r(?!\n)/u;

/** Statements that change no rows, whatever stands behind their first word. */
const quiet = wordSet(
  'begin start commit end rollback abort savepoint release',
  'set reset show listen unlisten notify lock fetch move close analyze vacuum checkpoint deallocate',
);

/** Statements that may hold others which write. */
const holding = wordSet('select values table with explain declare insert update delete replace merge');

const verbWords = wordSet('insert replace update delete merge');

/** What EXPLAIN ANALYZE runs as well. */
const explained: ReadonlySet<string> = new Set(['execute', 'create', 'refresh']);

const readingPragmas = wordSet(
  'data_version user_version schema_version application_id foreign_keys journal_mode synchronous busy_timeout',
  'table_info table_xinfo table_list index_list index_info index_xinfo foreign_key_list foreign_key_check',
  'integrity_check quick_check database_list compile_options encoding page_count page_size freelist_count',
);

function wordSet(...lines: readonly string[]): ReadonlySet<string> {
  return new Set(lines.flatMap((line) => line.split(' ')));
}

/**
 * Reads what a text may change. It takes too much for a write and never too little; the rows of one that stands for
 * itself are read where its shape is a common one. Linear in the text. Pure.
 *
 * @returns undefined where it only reads
 */
export function readTouches(sql: string, lexicon: SqlLexicon): WriteShape | undefined {
  if (sql.length < longText) return readText(sql, lexicon);
  // In a string or a comment it changes nothing either of what the statement does.
  const shape = readText(sql.replace(parameterRows, '(?), '), lexicon);
  return shape && { ...shape, writes: shape.writes.map((write) => ({ ...write, rows: undefined })) };
}

/** From so many characters on rows are not told apart, and those of parameters alone are left out. */
const longText = 16_000;
const parameterRows = /(?:\((?:\?|\$\d+)(?:, ?(?:\?|\$\d+))*\), ?){2,}/gu;

function readText(sql: string, lexicon: SqlLexicon): WriteShape | undefined {
  // Where a comment ends, engines do not agree.
  if (sql.includes('--') && loneReturn.test(sql)) return anyShape;
  const tokens = withoutEnd(tokensOf(sql, lexicon));
  const first = tokens.find((token) => !isSignToken(token, '('));
  if (first === undefined) return undefined;
  if (first.kind !== 'word' || tokens.some((token) => isSignToken(token, ';'))) return anyShape;
  if (quiet.has(first.text)) return isOfTwoPhases(tokens) ? anyShape : undefined;
  if (first.text === 'pragma') return isReadingPragma(tokens) ? undefined : anyShape;
  if (!holding.has(first.text)) return anyShape;
  if (first.text === 'explain' && tokens.some(({ kind, text }) => kind === 'word' && explained.has(text)))
    return anyShape;
  return readWrites(sql, tokens, lexicon);
}

function readWrites(
  sql: string,
  tokens: readonly SqlToken[],
  { dollarQuotes }: SqlLexicon,
): WriteShape | undefined {
  const verbs: number[] = [];
  let targets = 0;
  for (let at = 0; at < tokens.length; at += 1) {
    if (isVerb(tokens, at)) verbs.push(at);
    else if (isWordToken(tokens[at], 'into') && !isPartOfName(tokens, at)) targets += 1;
  }
  if (verbs.length === 0 && targets === 0) return undefined;
  if (!isPlainText(sql, tokens)) return anyShape;
  const context = {
    isSole: verbs.length === 1 && verbs[0] === 0,
    numbered: dollarQuotes,
    mayConflict: tokens.some((token) => isWordToken(token, 'conflict')),
  };
  const writes: TableWrite[] = [];
  for (const at of verbs) {
    const write = readTableWrite(tokens, at, context);
    if (write === undefined) return anyShape;
    writes.push(write);
    if (!isWordToken(tokens[at], 'update') && !isWordToken(tokens[at], 'delete')) targets -= 1;
  }
  // SELECT … INTO makes a table.
  return targets > 0 ? anyShape : { writes, isAnything: false };
}

/** Whether a word begins what changes rows, and is no function, no name, and no part of another clause. */
function isVerb(tokens: readonly SqlToken[], at: number): boolean {
  const token = tokens[at] as SqlToken;
  if (token.kind !== 'word' || !verbWords.has(token.text)) return false;
  const before = tokens[at - 1];
  if (isPartOfName(tokens, at) || isWordToken(before, 'as')) return false;
  switch (token.text) {
    case 'insert':
    case 'replace':
      return !isSignToken(tokens[at + 1], '(') && !['or', 'then'].some((word) => isWordToken(before, word));
    case 'update':
      return !isPartOfClause(tokens, at);
    case 'delete':
      return !isWordToken(before, 'then');
    case 'merge':
      return true;
    default:
      return false;
  }
}

/** FOR UPDATE, FOR NO KEY UPDATE, DO UPDATE, and what MERGE does. */
function isPartOfClause(tokens: readonly SqlToken[], at: number): boolean {
  if (isWordToken(tokens[at - 1], 'key')) return isWordToken(tokens[at - 2], 'no');
  return ['for', 'do', 'then'].some((word) => isWordToken(tokens[at - 1], word));
}

function isPartOfName(tokens: readonly SqlToken[], at: number): boolean {
  return isSignToken(tokens[at - 1], '.') || isSignToken(tokens[at + 1], '.');
}

/** Whether all that stands outside of quotes is ASCII: what else a name may hold, engines do not agree on. */
function isPlainText(sql: string, tokens: readonly SqlToken[]): boolean {
  if (!notAscii.test(sql)) return true;
  let end = 0;
  for (const token of tokens) {
    const isQuoted = token.kind === 'string' || token.kind === 'name';
    if (notAscii.test(sql.slice(end, isQuoted ? token.start : token.end))) return false;
    end = token.end;
  }
  return !notAscii.test(sql.slice(end));
}

function withoutEnd(tokens: readonly SqlToken[]): readonly SqlToken[] {
  let end = tokens.length;
  while (end > 0 && isSignToken(tokens[end - 1], ';')) end -= 1;
  return end === tokens.length ? tokens : tokens.slice(0, end);
}

/** COMMIT PREPARED makes that be which another connection has written. */
function isOfTwoPhases(tokens: readonly SqlToken[]): boolean {
  return isWordToken(tokens[1], 'prepared');
}

function isReadingPragma(tokens: readonly SqlToken[]): boolean {
  if (tokens.some((token) => isSignToken(token, '='))) return false;
  const name = isSignToken(tokens[2], '.') ? tokens[3] : tokens[1];
  return name?.kind === 'word' && readingPragmas.has(name.text);
}

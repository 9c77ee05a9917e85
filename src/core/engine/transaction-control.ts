import { QueryError } from '../foundation/errors/statement-errors.ts';

/**
 * What a statement does to the transaction around it:
 *
 * - `boundary`: it begins or ends one, such as BEGIN, COMMIT, or ROLLBACK of the whole.
 * - `undo`: it goes back to a savepoint.
 * - `savepoint`: it sets a savepoint, or lets go of one.
 */
export type TransactionControl = 'boundary' | 'undo' | 'savepoint';

const boundaries: ReadonlySet<string> = new Set(['begin', 'start', 'commit', 'end', 'abort']);

/**
 * Says what a statement does to its transaction, by its first words, whatever white space and comments stand before
 * and between them. Of a text that holds several statements it sees the first alone. Pure.
 *
 * @returns undefined where it does nothing to it, and for COMMIT PREPARED and ROLLBACK PREPARED, which end a
 *   transaction of nobody
 */
export function transactionControlOf(sql: string): TransactionControl | undefined {
  if (!mayControl(sql)) return undefined;
  const first = controlOf(wordsOf(sql, postgresComments));
  if (!sql.includes('/*') && !sql.includes('\r')) return first;
  const second = controlOf(wordsOf(sql, sqliteComments));
  if (first === second) return first;
  // What either of them takes for a boundary is refused, and what one alone takes for an undoing undoes nothing.
  return first === 'boundary' || second === 'boundary' ? 'boundary' : 'savepoint';
}

/**
 * The first word of a text, in lower case, behind white space and comments. Pure.
 *
 * @returns undefined where engines do not agree on it, and where there is none
 */
export function firstWordOf(sql: string): string | undefined {
  const [word] = wordsOf(sql, postgresComments);
  return word === wordsOf(sql, sqliteComments)[0] ? word : undefined;
}

/**
 * Refuses what begins or ends a transaction, or sets a savepoint, as a statement of its own: its connection goes
 * back behind it, so it would be undone without a word.
 *
 * @throws QueryError
 */
export function requireNoTransactionControl(sql: string): void {
  if (transactionControlOf(sql) === undefined) return;
  throw new QueryError(
    'A statement of its own cannot begin or end a transaction or set a savepoint: its connection is given back behind it, and whatever it began is undone. Use provider.transaction(…).',
    undefined,
  );
}

/**
 * Refuses what begins or ends a transaction inside of one: what came before it would be kept, and what comes after it
 * would stand alone, whatever the transaction comes to.
 *
 * @throws QueryError
 */
export function requireNoBoundary(sql: string): void {
  if (transactionControlOf(sql) !== 'boundary') return;
  throw new QueryError(
    'SQL must not begin or end a transaction inside of one. Return from its function to commit, throw to roll back, and use savepoints for a part of it.',
    undefined,
  );
}

/** By one character: nearly every statement is SELECT, INSERT, UPDATE, DELETE or WITH, and needs no second look. */
function mayControl(sql: string): boolean {
  const first = sql[0]?.toLowerCase() ?? '';
  return first === 's' ? sql[2]?.toLowerCase() !== 'l' : !'iudw'.includes(first);
}

function controlOf([first = '', second = '', third = '']: readonly string[]): TransactionControl | undefined {
  if (first === 'savepoint' || first === 'release') return 'savepoint';
  if (first === 'prepare') return second === 'transaction' ? 'boundary' : undefined;
  if (second === 'prepared' && (first === 'commit' || first === 'rollback')) return undefined;
  if (first !== 'rollback') return boundaries.has(first) ? 'boundary' : undefined;
  const target = second === 'transaction' || second === 'work' ? third : second;
  return target === 'to' ? 'undo' : 'boundary';
}

/** How an engine reads comments. */
interface Comments {
  readonly areNested: boolean;
  /** What ends those that begin by `--`. */
  readonly lineEnds: string;
}

const postgresComments: Comments = { areNested: true, lineEnds: '\n\r' };
const sqliteComments: Comments = { areNested: false, lineEnds: '\n' };

/** The first three words, in lower case. */
function wordsOf(sql: string, comments: Comments): string[] {
  const words: string[] = [];
  let at = 0;
  while (words.length < 3) {
    // A semicolon behind a word ends the statement.
    const start = skipFiller(sql, at, { ...comments, semicolons: words.length === 0 });
    at = start;
    while (isLetter(sql.charCodeAt(at))) at += 1;
    if (at === start) break;
    words.push(sql.slice(start, at).toLowerCase());
  }
  return words;
}

interface Filler extends Comments {
  readonly semicolons: boolean;
}

function skipFiller(sql: string, from: number, { areNested, lineEnds, semicolons }: Filler): number {
  let at = from;
  while (at < sql.length) {
    if (sql.startsWith('--', at)) at = endOfLine(sql, at, lineEnds);
    else if (sql.startsWith('/*', at)) at = endOfComment(sql, at, areNested);
    else if (isSpace(sql[at] as string) || (semicolons && sql[at] === ';')) at += 1;
    else break;
  }
  return at;
}

/** SQLite takes a byte order mark for one, wherever it stands. */
function isSpace(char: string): boolean {
  return char <= ' ' || char === '\uFEFF';
}

function endOfLine(sql: string, from: number, lineEnds: string): number {
  let at = from;
  while (at < sql.length && !lineEnds.includes(sql[at] as string)) at += 1;
  return at;
}

function endOfComment(sql: string, from: number, areNested: boolean): number {
  let depth = 0;
  for (let at = from; at < sql.length; at += 1) {
    if (sql.startsWith('/*', at) && (areNested || depth === 0)) depth += 1;
    else if (sql.startsWith('*/', at)) depth -= 1;
    else continue;
    at += 1;
    if (depth === 0) return at + 1;
  }
  return sql.length;
}

function isLetter(code: number): boolean {
  const lower = code | 0x20;
  return lower >= 97 && lower <= 122;
}

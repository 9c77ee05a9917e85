import { sourcesOf } from '../engine/statement-sources.ts';
import { tokensOf, type SqlLexicon, type SqlToken } from '../engine/sql-tokens.ts';
import { foldStatement } from './fold-statement.ts';
import { hashText } from './hash-text.ts';

/** What statements have in common that differ in nothing but their values. */
export interface Fingerprint {
  /** 16 hexadecimal digits, the same in every process and on every engine. */
  readonly id: string;
  /** The statement with `?` for every value and `(…)` for every list of them; at most 4,000 characters and a `…`. */
  readonly text: string;
  /** `select`, `insert`, `update`, `delete`, another keyword, or `other`. */
  readonly operation: string;
  /** The tables that it names, as far as its text tells. */
  readonly tables: readonly string[];
}

/**
 * For both engines: of what they read differently it takes the reading that shows no value. A name in backticks or
 * brackets is words to it.
 */
const lexicon: SqlLexicon = {
  nameQuotes: ['""'],
  commentsNest: true,
  dollarQuotes: true,
  foldsNames: false,
};

const longestText = 4_000;
const mostKept = 1_000;
/** In characters; what is longer is not kept, so that the memory for it is bounded as well. */
const longestKept = 10_000;
const kept = new Map<string, Fingerprint>();

/**
 * Finds the fingerprint of a statement: values, lists, white space, comments and the case of keywords make no
 * difference, everything else does. Linear in the length of the text. What was asked before is kept, up to a bound.
 *
 * It reads text and no grammar: what stands in double quotes is a name to it, as the standard has it. Where another
 * dialect writes values so, as MySQL can, hand values over as parameters.
 *
 * @param sql one statement
 * @returns the fingerprint; the same object for the same text, as long as it is kept
 * @example
 * fingerprint('select * from users where id in (1, 2)').text; // 'select * from users where id in (…)'
 */
export function fingerprint(sql: string): Fingerprint {
  const known = kept.get(sql);
  if (known !== undefined) return known;
  const found = findFingerprint(sql);
  if (kept.size >= mostKept) kept.clear();
  if (sql.length <= longestKept) kept.set(sql, found);
  return found;
}

function findFingerprint(sql: string): Fingerprint {
  const tokens = tokensOf(sql, lexicon);
  const text = foldStatement(tokens, sql);
  return Object.freeze({
    id: hashText(text),
    text: text.length > longestText ? `${text.slice(0, text.lastIndexOf(' ', longestText))} …` : text,
    operation: operationOf(tokens),
    tables: Object.freeze([...new Set(sourcesOf(tokens).values())]),
  });
}

const changes = new Set(['insert', 'update', 'delete', 'merge', 'replace']);
/** The others are named, so that no text of a caller's becomes one. */
const operations = new Set([
  ...changes,
  ...'select values with create alter drop truncate explain pragma vacuum analyze reindex attach detach'.split(
    ' ',
  ),
  ...'begin start commit rollback savepoint release set show reset lock notify listen copy call grant revoke'.split(
    ' ',
  ),
  ...'refresh comment do declare fetch close prepare execute deallocate table end'.split(' '),
]);

function operationOf(tokens: readonly SqlToken[]): string {
  const first = tokens.find(({ kind }) => kind === 'word')?.text ?? 'other';
  if (first !== 'with') return operations.has(first) ? first : 'other';
  const change = tokens.find(({ kind, text, depth }) => kind === 'word' && depth === 0 && changes.has(text));
  return change?.text ?? 'select';
}

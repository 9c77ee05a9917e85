import type { Expression, RawBuilder, SqlBool } from 'kysely';
import type { RelationFact } from './relation-fact.ts';

/** What a column holds, as far as comparing and binding need to know. */
export type ColumnKind = 'uuid' | 'text' | 'integer' | 'real' | 'json' | 'blob';

/** How statements are written, for whoever looks for placeholders in them. */
export interface SqlLexicalRules {
  /** Whether `$tag$ … $tag$` quotes a string. */
  readonly dollarQuotes: boolean;
  /** Whether `e'…'` is a string in which a backslash escapes the next character. */
  readonly escapeStrings: boolean;
  /** Whether block comments nest. */
  readonly nestedComments: boolean;
  /** Whether `[name]` and `` `name` `` quote an identifier. */
  readonly bracketIdentifiers: boolean;
}

/** A step into a JSON value: the name of a member, or the index of an element from 0. */
export type JsonPathSegment = string | number;

/**
 * The words in which engines differ. Each gives a Kysely expression, so that what is built on them
 * compiles for the engine at hand and every value travels as a parameter.
 */
export interface SqlVocabulary {
  /** The most parameters that one statement may have. */
  readonly maxParameters: number;
  /** How statements are written. */
  readonly lexicalRules: SqlLexicalRules;
  /** The parameter marker of the n-th parameter, from 1. */
  placeholder(position: number): string;
  /** The server's or library's version, as text. */
  version(): RawBuilder<string>;
  /** The wall clock of the server in ms since the Unix epoch. Absent where that is this machine's own. */
  wallClock?(): RawBuilder<number>;
  /**
   * The parameter that stands for a pattern in `like`: `%` any text, `_` one character, `\` takes the next
   * literally. Case-sensitive.
   */
  patternParameter(pattern: string): string;
  /** Whether a text matches a pattern. The pattern is a parameter that `patternParameter` made. */
  like(text: Expression<string | null>, pattern: Expression<string>): Expression<SqlBool>;
  /** Whether a text holds another literally. Case-sensitive. */
  contains(text: Expression<string | null>, part: Expression<string>): Expression<SqlBool>;
  /** The parameters that stand for a list in `isIn`: one whatever its length, where the engine can. */
  listParameters(values: readonly (string | number)[], kind: ColumnKind): readonly unknown[];
  /** Whether a value is in a list, whose parameters `listParameters` made. An empty list holds nothing. */
  isIn(
    value: Expression<unknown>,
    list: readonly Expression<unknown>[],
    kind: ColumnKind,
  ): Expression<SqlBool>;
  /** The string at a path of a JSON column; NULL where there is none or it is something else. */
  jsonString(column: Expression<unknown>, path: readonly JsonPathSegment[]): Expression<string | null>;
  /** The number at a path of a JSON column; NULL where there is none or it is something else. */
  jsonNumber(column: Expression<unknown>, path: readonly JsonPathSegment[]): Expression<number | null>;
  /** 1 for true and 0 for false at a path of a JSON column; NULL where there is none or it is something else. */
  jsonBoolean(column: Expression<unknown>, path: readonly JsonPathSegment[]): Expression<number | null>;
  /** Whether there is nothing at a path of a JSON column, or a JSON null. */
  jsonIsNull(column: Expression<unknown>, path: readonly JsonPathSegment[]): Expression<SqlBool>;
  /**
   * Whether a row of a full-text table holds every one of the tokens. The table is one that the
   * migration helper `createFullTextTable` made.
   *
   * @param table name of the full-text table, as it stands in the query
   * @param tokens at least one; ASCII letters and digits alone
   */
  matchesAll(table: string, tokens: readonly string[]): Expression<SqlBool>;
  /**
   * Goes to the end of a SELECT in a writing transaction: locks the rows that it finds until the end of the
   * transaction, and passes over those that another one has locked. Says nothing where writers come one by one.
   *
   * @param table whose rows are meant, as it stands in the query
   */
  lockSkippingLocked(table: string): RawBuilder<unknown>;
  /**
   * Goes to the end of a SELECT of one table in a writing transaction: locks the rows that it finds until the end of
   * the transaction, and waits for whoever has locked them. Says nothing where writers come one by one.
   *
   * @param intent what is to follow: behind a lock for a delete, nobody else comes to refer to the rows
   */
  lockRows(intent: 'update' | 'delete'): RawBuilder<unknown>;
  /**
   * An expression that sends a notification when the transaction commits, to whoever listens by
   * `OpenEngine.listen`; none where it is rolled back. Absent where the engine cannot listen.
   *
   * @param channel an identifier in lower case
   * @param payload text of at most 7,999 bytes
   */
  notify?(channel: string, payload: string): RawBuilder<unknown>;
  /** Locks of names in a transaction. Absent where writers come one by one. */
  readonly nameLocks?: NameLocks;
  /**
   * A statement that reads what a write to each table may change beside it. Absent where nobody can tell: then any
   * write may change anything.
   */
  relations?(): RawBuilder<RelationFact>;
}

/**
 * Locks names until the end of a transaction, and waits for whoever has locked one of them; always in the same order, so
 * that nobody waits for each other.
 */
export interface NameLocks {
  /**
   * What `lock` takes for names.
   *
   * @param names at least one; other programs in the database have names of their own
   */
  keysOf(names: readonly string[]): unknown;
  /**
   * The statement that locks.
   *
   * @param keys what `keysOf` gave, or an expression that stands for it in a statement that is compiled once
   */
  lock(keys: unknown): RawBuilder<unknown>;
  /**
   * The statement that locks, and then reads the last row of each chain as it is committed at that moment. In a
   * transaction that sees one snapshot to its end, which may be older than the locks, it only locks, and gives one row of
   * NULLs.
   *
   * @typeParam Row of the columns that the reader was made for
   * @param reader what the migration helper `createChainReader` made
   * @param keys as for `lock`
   * @param chains the chains, as an array, or an expression that stands for it
   */
  lockAndReadChains<Row>(reader: string, keys: unknown, chains: unknown): RawBuilder<Row>;
}

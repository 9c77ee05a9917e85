import type { SqlLexicalRules } from '../engine/sql-vocabulary.ts';

/**
 * Finds where quoted pieces of a SQL text end. It knows no grammar and checks nothing: a piece that is
 * not closed reaches to the end of the text, and the database says what is wrong with it.
 * Every search moves forward only, so that hostile text costs linear time.
 */

const identifierCharacter = /[\w$\u0080-\uffff]/;
const dollarTag = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
const commentMark = /\/\*|\*\//g;
const lineEnd = /[\r\n]/g;
// In Postgres a string goes on in the next line's quotes, with the escapes of its first part.
const continuation = /[ \t\f\v]*(?:--[^\r\n]*)?[\r\n](?:\s|--[^\r\n]*[\r\n])*'/y;

/** Whether the character before or after a place could be read as one word with what stands there. */
export function isIdentifierCharacter(character: string | undefined): boolean {
  return character !== undefined && identifierCharacter.test(character);
}

/**
 * Finds the end of the string, quoted identifier, dollar quote or comment that begins at a place.
 *
 * @param sql the whole text
 * @param start where one of `' " $ [ \`` or `--` or a slash with a star stands
 * @param rules how the engine's statements are written
 * @returns the place behind the piece; behind the one character where nothing quoted begins there
 */
export function findLiteralEnd(sql: string, start: number, rules: SqlLexicalRules): number {
  switch (sql[start]) {
    case "'":
      return rules.escapeStrings && startsEscapeString(sql, start)
        ? endOfEscapeString(sql, start + 1)
        : endOfQuotes(sql, start + 1, "'");
    case '"':
      return endOfQuotes(sql, start + 1, '"');
    case '`':
      return rules.bracketIdentifiers ? endOfQuotes(sql, start + 1, '`') : start + 1;
    case '[':
      return rules.bracketIdentifiers ? endBehind(sql, ']', start + 1) : start + 1;
    case '$':
      return rules.dollarQuotes ? endOfDollarQuote(sql, start) : start + 1;
    case '-':
      return endOfLine(sql, start + 2);
    default:
      return rules.nestedComments ? endOfNestedComment(sql, start + 2) : endBehind(sql, '*/', start + 2);
  }
}

function startsEscapeString(sql: string, quote: number): boolean {
  const prefix = sql[quote - 1];
  return (prefix === 'e' || prefix === 'E') && !isIdentifierCharacter(sql[quote - 2]);
}

function endBehind(sql: string, mark: string, from: number): number {
  const at = sql.indexOf(mark, from);
  return at < 0 ? sql.length : at + mark.length;
}

function endOfQuotes(sql: string, from: number, quote: string): number {
  for (let at = sql.indexOf(quote, from); at >= 0; at = sql.indexOf(quote, at + 2)) {
    if (sql[at + 1] !== quote) return at + 1;
  }
  return sql.length;
}

function endOfEscapeString(sql: string, from: number): number {
  for (let at = from; at < sql.length; at += 1) {
    if (sql[at] === '\\') {
      at += 1;
    } else if (sql[at] === "'") {
      if (sql[at + 1] === "'") {
        at += 1;
      } else {
        continuation.lastIndex = at + 1;
        if (!continuation.test(sql)) return at + 1;
        at = continuation.lastIndex - 1;
      }
    }
  }
  return sql.length;
}

function endOfDollarQuote(sql: string, start: number): number {
  if (isIdentifierCharacter(sql[start - 1])) return start + 1;
  dollarTag.lastIndex = start;
  const tag = dollarTag.exec(sql)?.[0];
  return tag === undefined ? start + 1 : endBehind(sql, tag, start + tag.length);
}

function endOfLine(sql: string, from: number): number {
  lineEnd.lastIndex = from;
  return lineEnd.exec(sql)?.index ?? sql.length;
}

function endOfNestedComment(sql: string, from: number): number {
  commentMark.lastIndex = from;
  for (let depth = 1, mark = commentMark.exec(sql); mark !== null; mark = commentMark.exec(sql)) {
    depth += mark[0] === '/*' ? 1 : -1;
    if (depth === 0) return commentMark.lastIndex;
  }
  return sql.length;
}

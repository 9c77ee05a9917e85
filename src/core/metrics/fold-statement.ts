import type { SqlToken } from '../engine/sql-tokens.ts';
import { StatementParts } from './statement-parts.ts';

/** Words behind which a value stands, so that a sign in front of it is its own, and `:` begins a parameter. */
const keywords = new Set(
  `select distinct all from where and or not in is like ilike glob regexp between escape then else when case end
  by limit offset fetch first values set on using having returning as default interval with union except intersect
  join left right full inner outer cross insert into update delete any some array if exists cast over partition rows
  range null true false collate order group asc desc for only recursive`.split(/\s+/u),
);

/** Values that are words. Behind these other words they belong to the form of the statement. */
const wordValues = new Set(['true', 'false', 'null']);
const formWords = new Set(['is', 'not', 'default', 'set', 'on']);

/**
 * Writes a statement in the one form that it shares with those which differ from it in values, lists, white space,
 * comments and the case of its words alone. No value is left in it.
 *
 * @param tokens of the statement
 * @param sql the text that they were cut from
 */
export function foldStatement(tokens: readonly SqlToken[], sql: string): string {
  const parts = new StatementParts();
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at] as SqlToken;
    if (isDoubtful(token, sql)) {
      // One dialect ends the string here and another does not: whatever follows may be a value.
      parts.addValue();
      break;
    }
    at += addToken(parts, tokens, at);
  }
  return parts.toText();
}

/** @returns how many of the tokens behind it belong to it */
function addToken(parts: StatementParts, tokens: readonly SqlToken[], at: number): number {
  const token = tokens[at] as SqlToken;
  const { kind, text } = token;
  if (kind === 'string') return parts.addValue();
  if (kind === 'number') return parts.addValue(isAdjacent(tokens, at, 'word') ? 1 : 0);
  if (kind === 'name') return parts.addOperand(writeName(text));
  if (kind === 'word') {
    if (wordValues.has(text) && !formWords.has(parts.last ?? '')) return parts.addValue();
    return keywords.has(text) ? parts.addKeyword(text) : parts.addOperand(text);
  }
  return addSign(parts, tokens, at);
}

function addSign(parts: StatementParts, tokens: readonly SqlToken[], at: number): number {
  const { text } = tokens[at] as SqlToken;
  const isBeforeNumber = isAdjacent(tokens, at, 'number');
  const isBeforeWord = isAdjacent(tokens, at, 'word');
  switch (text) {
    case '?':
      return parts.addValue(isBeforeNumber ? 1 : 0);
    case '$':
      return isBeforeNumber || isBeforeWord ? parts.addValue(1) : parts.addSign(text);
    case ':':
      if (isAdjacentSign(tokens, at, ':')) return parts.addSign('::', 1);
      return (isBeforeNumber || isBeforeWord) && !parts.endsInOperand
        ? parts.addValue(1)
        : parts.addSign(text);
    case '@':
      return isBeforeWord && !parts.endsInOperand ? parts.addValue(1) : parts.addOperator(tokens, at);
    case '.':
      return isBeforeNumber && !parts.endsInOperand ? 0 : parts.addSign(text);
    case '`':
      return 0;
    case '(':
    case '[':
      return parts.open(text);
    case ')':
    case ']':
      return parts.close(text);
    default:
      return parts.addOperator(tokens, at);
  }
}

function isAdjacent(tokens: readonly SqlToken[], at: number, kind: SqlToken['kind']): boolean {
  const next = tokens[at + 1];
  return next?.kind === kind && next.start === tokens[at]?.end;
}

function isAdjacentSign(tokens: readonly SqlToken[], at: number, text: string): boolean {
  return isAdjacent(tokens, at, 'sign') && tokens[at + 1]?.text === text;
}

/** Whether a string holds what ends it for those who escape by a backslash, or does not end for those who do not. */
function isDoubtful({ kind, start, end }: SqlToken, sql: string): boolean {
  return kind === 'string' && sql[start] === "'" && sql.slice(start, end).includes("\\'");
}

/** Quotes stay where the name needs them, so that a name in quotes and the same one without are one. */
function writeName(name: string): string {
  const isPlain = /^[a-z_][a-z0-9_]*$/.test(name) && !keywords.has(name);
  return isPlain ? name : `"${name.replaceAll('"', '""')}"`;
}

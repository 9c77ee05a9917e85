/** Takes the texts that SQLite keeps of a schema apart, and writes them in one form, whatever they looked like. */
import { tokensOf, type SqlLexicon, type SqlToken } from '../sql-tokens.ts';
import { isKeyword, needsQuotes } from './sqlite-keywords.ts';

/** A part of a text. Unlike an SqlToken it keeps the case of names, since the names of columns stand in rows. */
export interface SchemaToken {
  readonly kind: SqlToken['kind'];
  /** A name or a string without its quotes; else the text as it stands. */
  readonly value: string;
}

const lexicon: SqlLexicon = {
  nameQuotes: ['""', '``', '[]'],
  commentsNest: false,
  dollarQuotes: false,
  foldsNames: false,
};

const longSigns: ReadonlySet<string> = new Set(['||', '<=', '>=', '<>', '==', '!=', '<<', '>>', '->', '->>']);

/** @returns the tokens of a text, without white space and comments */
export function schemaTokens(sql: string): readonly SchemaToken[] {
  const tokens: SchemaToken[] = [];
  let end = -1;
  for (const token of tokensOf(sql, lexicon)) {
    const text = sql.slice(token.start, token.end);
    const previous = tokens.at(-1);
    const sign = `${previous?.value ?? ''}${text}`;
    if (previous?.kind === 'sign' && token.start === end && longSigns.has(sign)) {
      tokens[tokens.length - 1] = { kind: 'sign', value: sign };
    } else tokens.push(toSchemaToken(token, text));
    end = token.end;
  }
  return tokens;
}

/** Whether a token is a bare word or a sign, in whatever case. */
export function isToken(token: SchemaToken | undefined, ...words: readonly string[]): boolean {
  if (token === undefined || (token.kind !== 'word' && token.kind !== 'sign')) return false;
  return words.includes(token.value.toLowerCase());
}

/** Writes tokens in one form: keywords and functions in lower case, quotes where a name needs them, no ASC. */
export function writeTokens(tokens: readonly SchemaToken[]): string {
  let text = '';
  let previous: SchemaToken | undefined;
  const isOrder = followOrder();
  for (const [index, token] of tokens.entries()) {
    // Ascending is the order by default.
    if (isOrder(token) && isToken(token, 'asc') && isOver(previous) && endsTerm(tokens[index + 1])) continue;
    text += (text === '' || isTight(previous, token) ? '' : ' ') + writeToken(token, tokens[index + 1]);
    previous = token;
  }
  return text;
}

/**
 * Follows tokens, and tells of each whether terms of an order may stand there. In a list of columns they may; between
 * SELECT, FROM or SET and ORDER BY the word ASC is a name.
 */
function followOrder(): (token: SchemaToken) => boolean {
  const open: boolean[] = [];
  let isOrder = true;
  return (token) => {
    if (isToken(token, '(')) open.push(isOrder);
    else if (isToken(token, ')')) isOrder = open.pop() ?? true;
    else if (isToken(token, 'select', 'from', 'set')) isOrder = false;
    else if (isToken(token, 'by', ';')) isOrder = true;
    return isOrder;
  };
}

/** Whether an expression can end with a token. */
function isOver(token: SchemaToken | undefined): boolean {
  return token !== undefined && (token.kind !== 'sign' || token.value === ')');
}

function endsTerm(next: SchemaToken | undefined): boolean {
  return next === undefined || isToken(next, ',', ')', ';', 'limit', 'nulls', 'rows', 'range', 'groups');
}

/** A name as it stands in SQL, in quotes where it needs them. */
export function writeName(name: string): string {
  return needsQuotes(name) ? `"${name.replaceAll('"', '""')}"` : name;
}

function toSchemaToken({ kind, text: name }: SqlToken, text: string): SchemaToken {
  if (kind === 'name') return { kind, value: name };
  if (kind === 'word' || kind === 'sign') return { kind, value: text };
  if (kind === 'string' && text.startsWith("'")) {
    return { kind, value: text.slice(1, -1).replaceAll("''", "'") };
  }
  // A blob is written as numbers are: as it stands, and its digits may be in either case.
  return { kind: 'number', value: text.toLowerCase() };
}

function writeToken({ kind, value }: SchemaToken, next: SchemaToken | undefined): string {
  if (kind === 'string') return `'${value.replaceAll("'", "''")}'`;
  if (kind === 'name') return writeName(value);
  if (kind !== 'word') return value;
  const word = value.toLowerCase();
  return isKeyword(word) || isToken(next, '(') ? word : value;
}

function isTight(previous: SchemaToken | undefined, token: SchemaToken): boolean {
  if (isToken(token, ',', ')', '.', ';') || isToken(previous, '(', '.')) return true;
  return isToken(token, '(') && previous?.kind === 'word' && !isKeyword(previous.value.toLowerCase());
}

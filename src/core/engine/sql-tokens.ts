/**
 * Cuts SQL text into tokens, so that whoever asks what a statement does is not fooled by strings, comments and quoted
 * names. It checks no grammar: text that no engine would take gives tokens as well. Pure.
 */

/** One token. Comments and white space are none. */
export interface SqlToken {
  /**
   * A `word` stands bare (a keyword or a name), a `name` in the quotes of names; a `sign` is one character of
   * punctuation, or a parameter.
   */
  readonly kind: 'word' | 'name' | 'string' | 'number' | 'sign';
  /** A word in lower case; a name without its quotes; all else as it stands. */
  readonly text: string;
  /** Where it begins in the text. */
  readonly start: number;
  /** Where it ends: the place behind its last character. */
  readonly end: number;
  /** How many parentheses are open around it; a parenthesis itself counts as outside of itself. */
  readonly depth: number;
}

/** What engines write differently. */
export interface SqlLexicon {
  /** Pairs of quotes around names, such as `""`. A closing quote that is doubled stands for itself. */
  readonly nameQuotes: readonly string[];
  /** Whether a comment may hold another one. */
  readonly commentsNest: boolean;
  /** Whether `$tag$ … $tag$` is a string, and whether `\` escapes in `E'…'`. */
  readonly dollarQuotes: boolean;
  /** Whether names in quotes are one name whatever their case is. */
  readonly foldsNames: boolean;
}

/**
 * Cuts a text into tokens.
 *
 * @param sql the text; where a string or comment never ends, it ends with the text
 * @param lexicon the engine's ways of writing
 * @returns the tokens, in their order
 */
export function tokensOf(sql: string, lexicon: SqlLexicon): readonly SqlToken[] {
  const tokens: SqlToken[] = [];
  let depth = 0;
  let at = 0;
  while (at < sql.length) {
    const past = skipFiller(sql, at, lexicon);
    if (past > at) {
      at = past;
      continue;
    }
    const { kind, text, end } = readToken(sql, at, lexicon);
    if (text === ')' && kind === 'sign') depth = Math.max(0, depth - 1);
    tokens.push({ kind, text, start: at, end, depth });
    if (text === '(' && kind === 'sign') depth += 1;
    at = end;
  }
  return tokens;
}

function skipFiller(sql: string, at: number, { commentsNest }: SqlLexicon): number {
  switch (sql[at]) {
    case ' ':
      return at + 1;
    case '-':
      return sql[at + 1] === '-' ? endBehind(sql, '\n', at) : at;
    case '/':
      return sql[at + 1] === '*' ? endOfComment(sql, at, commentsNest) : at;
    default:
      return isSpace(sql.charCodeAt(at)) ? at + 1 : at;
  }
}

function isSpace(code: number): boolean {
  return code <= 0x20 ? asciiSpaces.has(code) : code >= 0x80 && /\s/.test(String.fromCharCode(code));
}

const asciiSpaces: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20]);

function endOfComment(sql: string, from: number, nests: boolean): number {
  let depth = 1;
  let at = from + 2;
  while (at < sql.length && depth > 0) {
    if (sql.startsWith('*/', at)) depth -= 1;
    else if (nests && sql.startsWith('/*', at)) depth += 1;
    else {
      at += 1;
      continue;
    }
    at += 2;
  }
  return at;
}

type Read = Pick<SqlToken, 'kind' | 'text' | 'end'>;

const wordPattern = /[\p{L}_][\p{L}\p{N}_$]*/uy;
const numberPattern = /(?:0x[\da-f]+|\d[\d_]*(?:\.\d*)?(?:e[+-]?\d+)?)/iy;
const dollarPattern = /\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/uy;

function readToken(sql: string, at: number, lexicon: SqlLexicon): Read {
  const first = sql[at] as string;
  if (plainSigns.has(first)) return { kind: 'sign', text: first, end: at + 1 };
  if (first === "'") return readString(sql, at, at, false);
  if (isPrefixed(sql, at, lexicon)) return readString(sql, at, at + 1, first.toLowerCase() === 'e');
  if (lexicon.dollarQuotes && first === '$' && !isDigitAt(sql, at + 1)) {
    const tag = match(dollarPattern, sql, at);
    if (tag !== undefined) {
      const end = endBehind(sql, tag, at + tag.length);
      return { kind: 'string', text: sql.slice(at, end), end };
    }
  }
  const quotes = lexicon.nameQuotes.find((pair) => pair[0] === first);
  if (quotes !== undefined) return readName(sql, at, quotes[1] as string, lexicon.foldsNames);
  const isDigit = isDigitAt(sql, at);
  const word = isDigit ? undefined : match(wordPattern, sql, at);
  if (word !== undefined) return { kind: 'word', text: word.toLowerCase(), end: at + word.length };
  const number = isDigit ? match(numberPattern, sql, at) : undefined;
  if (number !== undefined) return { kind: 'number', text: number, end: at + number.length };
  return { kind: 'sign', text: first, end: at + 1 };
}

/** What nothing else begins with. They are half of the tokens of a long statement. */
const plainSigns: ReadonlySet<string> = new Set('(),.=?;*<>+|');

function isDigitAt(sql: string, at: number): boolean {
  const code = sql.charCodeAt(at);
  return code >= 0x30 && code <= 0x39;
}

/** Whether a string with a letter in front of it begins here: `E'…'`, `B'…'`, `X'…'` or `N'…'`. */
function isPrefixed(sql: string, at: number, { dollarQuotes }: SqlLexicon): boolean {
  if (sql[at + 1] !== "'") return false;
  return (dollarQuotes ? 'ebxn' : 'x').includes((sql[at] as string).toLowerCase());
}

function readString(sql: string, start: number, quote: number, escapes: boolean): Read {
  let at = quote + 1;
  while (at < sql.length) {
    if (escapes && sql[at] === '\\') at += 2;
    else if (sql[at] !== "'") at += 1;
    else if (sql[at + 1] === "'") at += 2;
    else break;
  }
  const end = Math.min(sql.length, at + 1);
  return { kind: 'string', text: sql.slice(start, end), end };
}

function readName(sql: string, start: number, close: string, folds: boolean): Read {
  let at = start + 1;
  let text = '';
  while (at < sql.length) {
    if (sql[at] === close) {
      if (sql[at + 1] !== close || close === ']') break;
      at += 1;
    }
    text += sql[at];
    at += 1;
  }
  return { kind: 'name', text: folds ? text.toLowerCase() : text, end: Math.min(sql.length, at + 1) };
}

function match(pattern: RegExp, sql: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0];
}

function endBehind(sql: string, mark: string, from: number): number {
  const found = sql.indexOf(mark, from);
  return found < 0 ? sql.length : found + mark.length;
}

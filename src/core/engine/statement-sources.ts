import type { SqlToken } from './sql-tokens.ts';

/** A table of a statement, by what the statement calls it. */
export type StatementSources = ReadonlyMap<string, string>;

/** Words behind a table that are no alias of it. */
const noAlias = new Set(
  `as on using where group order having limit offset fetch for union except intersect window set values default
  inner left right full cross natural join returning select from when then end and or not indexed tablesample
  lateral with recursive materialized overriding do nothing conflict update delete insert into
  skip of nowait`.split(/\s+/u),
);

/** Words behind which no comma names another table. */
const listEnds = new Set(
  'where group order having limit offset union except intersect window set values select returning on using'.split(
    ' ',
  ),
);

/**
 * Finds the tables of a statement and what it calls them, from its tokens alone. A name that may be something else, as
 * that of a subquery or a WITH, or of two tables, is left out: whoever asks then does not know, rather than be wrong.
 *
 * @param tokens of one statement
 */
export function sourcesOf(tokens: readonly SqlToken[]): StatementSources {
  const found = new Map<string, string>();
  const dubious = new Set<string>();
  const add = (alias: string, table: string) => {
    if ((found.get(alias) ?? table) !== table) dubious.add(alias);
    found.set(alias, table);
  };
  const listDepths = new Set<number>();
  /** Where the parentheses that are open begin. */
  const opens: number[] = [];
  tokens.forEach((token, index) => {
    const { kind, text, depth } = token;
    if (kind === 'sign') {
      if (text === '(') opens.push(index);
      if (text === ')') noteDerived(tokens, { open: opens.pop() ?? index, close: index }, dubious);
      if (text === ',' && listDepths.has(depth)) addSource(tokens, index + 1, add);
    } else if (kind === 'word') {
      if (text === 'from') listDepths.add(depth);
      else if (listEnds.has(text)) listDepths.delete(depth);
      if (text === 'from' || text === 'join' || text === 'into' || text === 'update')
        addSource(tokens, index + 1, add);
      if (text === 'as' && isSign(tokens[index + 1], '(')) noteName(tokens[index - 1], dubious);
      // `name as materialized (`, `name as not materialized (`
      if (text === 'materialized') noteNameBeforeAs(tokens, index, dubious);
    }
  });
  for (const alias of dubious) found.delete(alias);
  for (const [alias, table] of found) if (dubious.has(table)) found.delete(alias);
  return found;
}

/** Whether a token is this sign. */
export function isSign(token: SqlToken | undefined, text: string): boolean {
  return token?.kind === 'sign' && token.text === text;
}

/** Whether a token may be the name of something: in quotes, or bare. */
export function isName(token: SqlToken | undefined): token is SqlToken {
  return token?.kind === 'name' || token?.kind === 'word';
}

function addSource(
  tokens: readonly SqlToken[],
  from: number,
  add: (alias: string, table: string) => void,
): void {
  let at = from;
  if (tokens[at]?.kind === 'word' && tokens[at]?.text === 'only') at += 1;
  if (!isTableName(tokens[at])) return;
  while (isSign(tokens[at + 1], '.') && isName(tokens[at + 2])) at += 2;
  const table = (tokens[at] as SqlToken).text;
  // A function, which gives rows of its own; of an INSERT it is the list of columns.
  const alias = aliasAt(tokens, at + 1);
  add(alias ?? table, table);
}

function isTableName(token: SqlToken | undefined): boolean {
  return token?.kind === 'name' || (token?.kind === 'word' && !noAlias.has(token.text));
}

function aliasAt(tokens: readonly SqlToken[], at: number): string | undefined {
  const token = tokens[at];
  if (token?.kind === 'word' && token.text === 'as') {
    const next = tokens[at + 1];
    return isName(next) ? next.text : undefined;
  }
  return isTableName(token) ? token?.text : undefined;
}

/** What stands in parentheses and has a name is no table, whatever it is called. */
function noteDerived(
  tokens: readonly SqlToken[],
  { open, close }: { readonly open: number; readonly close: number },
  dubious: Set<string>,
): void {
  const alias = aliasAt(tokens, close + 1);
  if (alias !== undefined) dubious.add(alias);
  // The name of a WITH that lists its columns: `name (a, b) as (`.
  const as = tokens[close + 1];
  if (as?.kind === 'word' && as.text === 'as' && isSign(tokens[close + 2], '('))
    noteName(tokens[open - 1], dubious);
}

function noteName(token: SqlToken | undefined, dubious: Set<string>): void {
  if (isName(token)) dubious.add(token.text);
}

function noteNameBeforeAs(tokens: readonly SqlToken[], at: number, dubious: Set<string>): void {
  const before = tokens[at - 1]?.text === 'not' ? at - 2 : at - 1;
  if (tokens[before]?.text === 'as') noteName(tokens[before - 1], dubious);
}

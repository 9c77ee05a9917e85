import type { SqlToken } from '../engine/sql-tokens.ts';
import { isName, isSign, sourcesOf } from '../engine/statement-sources.ts';

/** By which columns a statement gets at the rows of one of its tables. */
export interface AccessColumns {
  /** Those that are compared for equality, in their order. */
  readonly equal: readonly string[];
  /** Those that are compared with a range. */
  readonly range: readonly string[];
  /** What the rows are sorted by, with `desc` behind a column where the directions differ; empty where it is unsure. */
  readonly order: readonly string[];
  /** What the rows are grouped by; empty where it is unsure. */
  readonly group: readonly string[];
}

const none: AccessColumns = { equal: [], range: [], order: [], group: [] };
const beforeColumn = new Set(['where', 'and', 'on']);
const afterColumn = new Set(
  'and order group having limit offset fetch where join inner left right full cross union for'.split(' '),
);

/**
 * Finds by which columns a statement gets at a table, from its tokens alone.
 *
 * @param tokens of one statement
 * @param alias what the statement calls the table
 * @returns empty lists where it cannot be told, as with OR between conditions
 */
export function accessColumnsOf(tokens: readonly SqlToken[], alias: string): AccessColumns {
  if (tokens.some(({ kind, text }) => kind === 'word' && (text === 'or' || text === 'not'))) return none;
  const isOnlySource = sourcesOf(tokens).size === 1;
  const equal = new Set<string>();
  const range = new Set<string>();
  const columnAt = (at: number) => readColumn(tokens, at, alias, isOnlySource);
  tokens.forEach((token, at) => {
    const opens = isSign(token, '(') || (token.kind === 'word' && beforeColumn.has(token.text));
    if (opens && isName(tokens[at + 1])) noteLeft(tokens, columnAt(at + 1), equal, range);
    // The other side of a join.
    if (
      isSign(token, '=') &&
      isName(tokens[at + 1]) &&
      !isSign(tokens[at - 1], '<') &&
      !isSign(tokens[at - 1], '>')
    ) {
      const { column, end } = columnAt(at + 1);
      const next = tokens[end];
      const isWhole =
        next === undefined || isSign(next, ')') || (next.kind === 'word' && afterColumn.has(next.text));
      if (column !== undefined && isWhole) equal.add(column);
    }
  });
  return {
    equal: [...equal],
    range: [...range].filter((column) => !equal.has(column)),
    order: listBehind(tokens, 'order', columnAt),
    group: listBehind(tokens, 'group', columnAt),
  };
}

interface ReadColumn {
  /** Undefined where the name is of another table, or may be. */
  readonly column: string | undefined;
  /** Where the token behind it is. */
  readonly end: number;
}

function readColumn(
  tokens: readonly SqlToken[],
  from: number,
  alias: string,
  isOnlySource: boolean,
): ReadColumn {
  let at = from;
  let qualifier: string | undefined;
  while (isSign(tokens[at + 1], '.') && isName(tokens[at + 2])) {
    qualifier = (tokens[at] as SqlToken).text;
    at += 2;
  }
  const end = at + 1;
  const isCall = isSign(tokens[end], '(');
  const isOurs = qualifier === undefined ? isOnlySource : qualifier === alias;
  return { column: isOurs && !isCall ? (tokens[at] as SqlToken).text : undefined, end };
}

function noteLeft(
  tokens: readonly SqlToken[],
  { column, end }: ReadColumn,
  equal: Set<string>,
  range: Set<string>,
): void {
  if (column === undefined) return;
  const [first, second] = [tokens[end], tokens[end + 1]];
  if (first?.kind === 'word') {
    if (first.text === 'in' && isSign(second, '(')) equal.add(column);
    if (first.text === 'between') range.add(column);
  } else if (isSign(first, '=')) {
    equal.add(column);
  } else if ((isSign(first, '<') && !isSign(second, '>')) || (isSign(first, '>') && !isSign(second, '>'))) {
    range.add(column);
  }
}

/** The columns of the last ORDER BY or GROUP BY that stands in no parentheses. */
function listBehind(
  tokens: readonly SqlToken[],
  word: 'order' | 'group',
  columnAt: (at: number) => ReadColumn,
): readonly string[] {
  const start = tokens.findLastIndex(
    ({ kind, text, depth }, at) =>
      kind === 'word' && text === word && depth === 0 && tokens[at + 1]?.text === 'by',
  );
  if (start < 0) return [];
  const columns: { readonly name: string; readonly isDescending: boolean }[] = [];
  for (let at = start + 2; ;) {
    if (!isName(tokens[at])) return [];
    const { column, end } = columnAt(at);
    if (column === undefined) return [];
    const direction = tokens[end]?.kind === 'word' ? tokens[end]?.text : undefined;
    const hasDirection = direction === 'asc' || direction === 'desc';
    columns.push({ name: column, isDescending: direction === 'desc' });
    const next = tokens[hasDirection ? end + 1 : end];
    if (isSign(next, ',')) at = tokens.indexOf(next as SqlToken, end) + 1;
    else if (next === undefined || isSign(next, ';') || (next.kind === 'word' && endsList(next.text))) break;
    else return [];
  }
  const isMixed = new Set(columns.map(({ isDescending }) => isDescending)).size > 1;
  return columns.map(({ name, isDescending }) => (isMixed && isDescending ? `${name} desc` : name));
}

function endsList(word: string): boolean {
  return afterColumn.has(word) && word !== 'and';
}

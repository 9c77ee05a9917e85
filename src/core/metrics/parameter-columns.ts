import type { SqlToken } from '../engine/sql-tokens.ts';
import { isName, isSign, sourcesOf } from '../engine/statement-sources.ts';

/** A column that a parameter is compared with or written to. */
export interface ParameterColumn {
  /** Undefined where it cannot be told for sure. */
  readonly table: string | undefined;
  readonly column: string;
}

/** Words behind which a comparison begins. */
const beforeComparison = new Set('where and or not on having set when'.split(' '));
/** Words that may follow a whole operand. */
const afterOperand = new Set(
  `and or then when else end order group having limit offset fetch returning where on for union intersect except
  join inner left right full cross`.split(/\s+/u),
);
const operators = new Set(['=', '<', '>', '<>', '!=', '<=', '>=']);

/**
 * Tells which column each parameter of a statement belongs to, by a walk along its tokens: the columns of an INSERT with
 * VALUES, `column = ?` and the other comparisons, IN, LIKE, BETWEEN, and what an UPDATE sets. Where it is not sure, it
 * does not know: a parameter in an expression belongs to no column.
 *
 * @param tokens of one statement
 * @returns the columns, by the positions of the parameters from 1
 */
export function parameterColumnsOf(tokens: readonly SqlToken[]): ReadonlyMap<number, ParameterColumn> {
  return new ColumnWalk(tokens).run();
}

/** A parameter among the tokens. */
interface Marker {
  /** From 1. */
  readonly position: number;
  /** Where the token behind it is. */
  readonly end: number;
}

class ColumnWalk {
  readonly #tokens: readonly SqlToken[];
  /** By the index of the token that each begins with. */
  readonly #markers: ReadonlyMap<number, Marker>;
  readonly #columns = new Map<number, ParameterColumn>();
  /** Told twice, and not alike. */
  readonly #disputed = new Set<number>();
  readonly #sources: ReadonlyMap<string, string>;

  constructor(tokens: readonly SqlToken[]) {
    this.#tokens = tokens;
    this.#markers = findMarkers(tokens);
    this.#sources = sourcesOf(tokens);
  }

  run(): ReadonlyMap<number, ParameterColumn> {
    const seen = new Set<number>();
    for (const { position } of this.#markers.values()) {
      // One that stands twice, as `$1` may, belongs to two places.
      if (seen.has(position)) this.#disputed.add(position);
      seen.add(position);
    }
    for (let at = 0; at < this.#tokens.length; at += 1) {
      const token = this.#tokens[at] as SqlToken;
      if (token.kind === 'word' && token.text === 'into') this.#readInsert(at + 1);
      else if (isName(token)) this.#readComparison(at);
    }
    for (const position of this.#disputed) this.#columns.delete(position);
    return this.#columns;
  }

  #note(position: number, column: ParameterColumn): void {
    if (!this.#disputed.has(position)) this.#columns.set(position, column);
  }

  /** `insert into table [as alias] (a, b) values (?, ?), (?, ?)` */
  #readInsert(from: number): void {
    const tokens = this.#tokens;
    let at = from;
    while (isName(tokens[at]) && isSign(tokens[at + 1], '.')) at += 2;
    const table = tokens[at];
    if (!isName(table)) return;
    at += 1;
    if (tokens[at]?.kind === 'word' && tokens[at]?.text === 'as') at += 2;
    if (!isSign(tokens[at], '(')) return;
    const columns: string[] = [];
    do {
      const column = tokens[at + 1];
      if (!isName(column)) return;
      columns.push(column.text);
      at += 2;
    } while (isSign(tokens[at], ','));
    if (!isSign(tokens[at], ')')) return;
    if (tokens[at + 1]?.kind !== 'word' || tokens[at + 1]?.text !== 'values') return;
    this.#readRows(at + 2, table.text, columns);
  }

  #readRows(from: number, table: string, columns: readonly string[]): void {
    const tokens = this.#tokens;
    for (let open = from; isSign(tokens[open], '(');) {
      const { depth } = tokens[open] as SqlToken;
      let place = 0;
      let at = open + 1;
      for (; at < tokens.length && (tokens[at] as SqlToken).depth > depth; at += 1) {
        const token = tokens[at] as SqlToken;
        if (token.depth !== depth + 1) continue;
        const marker = this.#markers.get(at);
        if (isSign(token, ',')) place += 1;
        if (marker === undefined || !isEdge(tokens[at - 1], '(') || !isEdge(tokens[marker.end], ')'))
          continue;
        const column = columns[place];
        if (column !== undefined) this.#note(marker.position, { table, column });
      }
      if (!isSign(tokens[at + 1], ',')) return;
      open = at + 2;
    }
  }

  /** `[table.]column <operator> ?`, where it begins at a name. */
  #readComparison(from: number): void {
    const tokens = this.#tokens;
    const before = tokens[from - 1];
    const opens = isSign(before, '(') || isSign(before, ',');
    if (!opens && !(before?.kind === 'word' && beforeComparison.has(before.text))) return;
    let at = from;
    const path = [(tokens[at] as SqlToken).text];
    while (isSign(tokens[at + 1], '.') && isName(tokens[at + 2])) {
      at += 2;
      path.push((tokens[at] as SqlToken).text);
    }
    const column = this.#columnOf(path);
    at += 1;
    const word = tokens[at]?.kind === 'word' ? tokens[at]?.text : undefined;
    if (word !== undefined) this.#readWordOperator(word === 'not' ? at + 1 : at, column);
    else this.#readSignOperator(at, column);
  }

  #readSignOperator(from: number, column: ParameterColumn): void {
    const tokens = this.#tokens;
    let operator = '';
    let at = from;
    while (tokens[at]?.kind === 'sign' && '=<>!'.includes((tokens[at] as SqlToken).text)) {
      // Signs with a blank between them are two operators, and not of ours.
      if (operator !== '' && tokens[at]?.start !== tokens[at - 1]?.end) return;
      operator += (tokens[at] as SqlToken).text;
      at += 1;
    }
    if (operators.has(operator)) this.#noteOperand(at, column);
  }

  #readWordOperator(at: number, column: ParameterColumn): void {
    const tokens = this.#tokens;
    const word = tokens[at]?.kind === 'word' ? tokens[at].text : undefined;
    if (word === 'like' || word === 'ilike') this.#noteOperand(at + 1, column);
    if (word === 'in' && isSign(tokens[at + 1], '(')) {
      for (let item = at + 2; ;) {
        const marker = this.#markers.get(item);
        const end = marker?.end ?? -1;
        if (marker === undefined || !isEdge(tokens[end], ')')) return;
        this.#note(marker.position, column);
        if (!isSign(tokens[end], ',')) return;
        item = end + 1;
      }
    }
    if (word === 'between') {
      const low = this.#markers.get(at + 1);
      if (low === undefined || tokens[low.end]?.text !== 'and') return;
      this.#noteOperand(at + 1, column);
      this.#noteOperand(low.end + 1, column);
    }
  }

  /** Notes a parameter that is an operand by itself, and not the beginning of an expression. */
  #noteOperand(at: number, column: ParameterColumn): void {
    const marker = this.#markers.get(at);
    if (marker === undefined) return;
    const next = this.#tokens[marker.end];
    const ends =
      next === undefined ||
      isEdge(next, ')') ||
      isSign(next, ';') ||
      (next.kind === 'word' && afterOperand.has(next.text));
    if (ends) this.#note(marker.position, column);
  }

  #columnOf(path: readonly string[]): ParameterColumn {
    const column = path.at(-1) as string;
    const alias = path.at(-2);
    if (alias !== undefined) return { table: this.#sources.get(alias), column };
    const [only, ...others] = new Set(this.#sources.values());
    return { table: others.length === 0 ? only : undefined, column };
  }
}

function isEdge(token: SqlToken | undefined, parenthesis: string): boolean {
  return isSign(token, ',') || isSign(token, parenthesis);
}

/** All of `$1`, or all of `?`: with names or numbers among the latter nobody knows which value belongs to which. */
function findMarkers(tokens: readonly SqlToken[]): ReadonlyMap<number, Marker> {
  const numbered = new Map<number, Marker>();
  const plain = new Map<number, Marker>();
  let isMixed = false;
  tokens.forEach((token, index) => {
    const next = tokens[index + 1];
    const hasNumber = next?.kind === 'number' && next.start === token.end;
    if (isSign(token, '$') && hasNumber) {
      numbered.set(index, { position: Number(next.text), end: index + 2 });
    } else if (isSign(token, '?') && !hasNumber) {
      plain.set(index, { position: plain.size + 1, end: index + 1 });
    } else if (token.kind === 'sign' && '?:@$'.includes(token.text)) {
      isMixed = true;
    }
  });
  if (numbered.size > 0) return numbered;
  return isMixed ? new Map() : plain;
}

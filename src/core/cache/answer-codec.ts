import type { ColumnKind } from '../engine/sql-vocabulary.ts';
import type { TableDefinition } from '../repository/table-definition.ts';
import type { RawAnswer } from './cache-store.ts';

/**
 * The form of what leaves the process. It is a list of lists: no name of it becomes the name of a property before it was found
 * among the columns of the table, and nothing is followed deeper than that.
 */
type Cell = string | number | boolean | null | readonly [tag: string, text: string];

interface Page {
  readonly rows: readonly Row[];
  readonly nextCursor: string | undefined;
  readonly previousCursor: string | undefined;
}

type Row = Readonly<Record<string, unknown>>;

const version = 1;
const unfit = Symbol('unfit');

/** What a column of a kind may hold beside NULL. */
const fits: Readonly<Record<ColumnKind, (value: unknown) => boolean>> = {
  uuid: isText,
  text: isText,
  json: isText,
  integer: isNumber,
  real: isNumber,
  blob: (value) => value instanceof Uint8Array,
};

/** How long an answer is given, in ms: in all, and of that past its age. */
export interface AnswerLife {
  readonly whole: number;
  readonly stale: number;
}

/**
 * Writes an answer as text.
 *
 * @returns undefined where it holds what does not come back as it went in
 */
export function encodeAnswer(
  raw: RawAnswer,
  life: AnswerLife,
  { columns }: TableDefinition,
): string | undefined {
  const body = encodeBody(raw, columns);
  return body === undefined ? undefined : JSON.stringify([version, life.whole, life.stale, ...body]);
}

/**
 * Reads an answer, whoever has written it.
 *
 * @returns undefined where the text is none, or none of this table
 */
export function decodeAnswer(
  text: string,
  { columns }: TableDefinition,
): { readonly raw: RawAnswer; readonly life: AnswerLife } | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed) || parsed[0] !== version) return undefined;
  const [, whole, stale, form, ...body] = parsed as unknown[];
  if (!isDuration(whole) || !isDuration(stale) || stale > whole) return undefined;
  const raw = decodeBody(form, body, columns);
  return raw === unfit ? undefined : { raw, life: { whole, stale } };
}

function encodeBody(raw: RawAnswer, columns: TableDefinition['columns']): readonly unknown[] | undefined {
  if (raw === undefined) return ['none'];
  if (typeof raw === 'number' || typeof raw === 'boolean') return ['value', encodeCell(raw)];
  if (typeof raw !== 'object' || raw === null) return undefined;
  if (Array.isArray(raw)) return withForm('rows', encodeRows(raw as readonly Row[], columns));
  const page = raw as Partial<Page>;
  // A row may have a column of that name, and no list in it.
  if (!Array.isArray(page.rows)) return withForm('row', encodeRows([raw as Row], columns));
  const cursors = [page.nextCursor ?? null, page.previousCursor ?? null];
  return withForm('page', encodeRows(page.rows, columns), cursors);
}

function withForm(
  form: string,
  rows: readonly unknown[] | undefined,
  rest: readonly unknown[] = [],
): readonly unknown[] | undefined {
  return rows === undefined ? undefined : [form, ...rows, ...rest];
}

/** The names once, then the values of each row. */
function encodeRows(
  rows: readonly Row[],
  columns: TableDefinition['columns'],
): readonly unknown[] | undefined {
  const names = Object.keys(rows[0] ?? {});
  if (!names.every((name) => columns.has(name))) return undefined;
  const lines: unknown[] = [];
  for (const row of rows) {
    if (Object.keys(row).length !== names.length) return undefined;
    const line: unknown[] = [];
    for (const name of names) {
      const value = row[name];
      if (value !== null && !fits[columns.get(name)!.kind](value)) return undefined;
      line.push(encodeCell(value));
    }
    lines.push(line);
  }
  return [names, lines];
}

function encodeCell(value: unknown): Cell {
  if (typeof value === 'bigint') return ['i', `${value}`];
  if (value instanceof Uint8Array) {
    return ['b', Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')];
  }
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) {
    return ['n', Object.is(value, -0) ? '-0' : `${value}`];
  }
  return value as Cell;
}

function decodeBody(form: unknown, body: readonly unknown[], columns: TableDefinition['columns']): unknown {
  if (form === 'none') return body.length === 0 ? undefined : unfit;
  if (form === 'value') {
    const value = decodeCell(body[0]);
    return body.length === 1 && (typeof value === 'number' || typeof value === 'boolean') ? value : unfit;
  }
  const [names, lines, ...cursors] = body;
  const rows = decodeRows(names, lines, columns);
  if (rows === undefined) return unfit;
  if (form === 'row') return rows.length === 1 && cursors.length === 0 ? rows[0] : unfit;
  if (form === 'rows') return cursors.length === 0 ? rows : unfit;
  const areCursors = cursors.length === 2 && cursors.every((cursor) => cursor === null || isText(cursor));
  if (form !== 'page' || !areCursors) return unfit;
  return { rows, nextCursor: cursors[0] ?? undefined, previousCursor: cursors[1] ?? undefined };
}

function decodeRows(names: unknown, lines: unknown, columns: TableDefinition['columns']): Row[] | undefined {
  if (!Array.isArray(names) || !Array.isArray(lines) || new Set(names).size !== names.length)
    return undefined;
  const found = names.map((name) => columns.get(name as string));
  const rows: Row[] = [];
  for (const line of lines as unknown[]) {
    if (!Array.isArray(line) || line.length !== names.length) return undefined;
    const row: Record<string, unknown> = {};
    for (const [at, column] of found.entries()) {
      const value = decodeCell(line[at]);
      if (column === undefined) return undefined;
      if (value === null ? !column.nullable : !fits[column.kind](value)) return undefined;
      // An own property, whatever the column is called.
      Object.defineProperty(row, column.name, {
        value,
        enumerable: true,
        writable: true,
        configurable: true,
      });
    }
    rows.push(row);
  }
  return rows;
}

function decodeCell(cell: unknown): unknown {
  if (!Array.isArray(cell)) return typeof cell === 'object' && cell !== null ? unfit : cell;
  const [tag, text] = cell as unknown[];
  if (cell.length !== 2 || typeof text !== 'string') return unfit;
  if (tag === 'b') return Buffer.from(text, 'base64');
  if (tag === 'i') return /^-?\d{1,40}$/.test(text) ? BigInt(text) : unfit;
  if (tag === 'n') return ['-0', 'NaN', 'Infinity', '-Infinity'].includes(text) ? Number(text) : unfit;
  return unfit;
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'bigint';
}

function isDuration(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= 2 ** 32;
}

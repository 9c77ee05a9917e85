import type { SqlToken } from '../../engine/sql-tokens.ts';
import { readFixedColumns } from './read-fixed-columns.ts';
import { ValueReader } from './value-reader.ts';
import { isSignToken, isWordToken, TokenWalk } from './token-walk.ts';
import type { TableWrite, ValuePlace } from './touch.ts';

/** What is known of the statement around. */
export interface WriteContext {
  /** Whether the write is the whole statement, so that its rows can be told. */
  readonly isSole: boolean;
  /** Whether an ON CONFLICT stands anywhere. */
  readonly mayConflict: boolean;
  /** Whether parameters are `$1`; else `?`. */
  readonly numbered: boolean;
}

/** The most rows of one insert that are told apart. */
const mostRows = 100;

/**
 * Reads one INSERT, UPDATE, DELETE, REPLACE or MERGE.
 *
 * @param at where its first word stands
 * @returns undefined where not even its table is plain
 */
export function readTableWrite(
  tokens: readonly SqlToken[],
  at: number,
  context: WriteContext,
): TableWrite | undefined {
  const walk = new TokenWalk(tokens, at + 1);
  switch ((tokens[at] as SqlToken).text) {
    case 'update':
      return readUpdate(walk, context);
    case 'delete':
      return walk.take('from') ? readDelete(walk, context) : undefined;
    case 'merge':
      return walk.take('into') ? readMerge(walk) : undefined;
    default:
      return readInsert(walk, context, isWordToken(tokens[at], 'replace'));
  }
}

function readMerge(walk: TokenWalk): TableWrite | undefined {
  walk.take('only');
  const table = takeTarget(walk);
  return table === undefined ? undefined : { table, verb: 'any' };
}

function readInsert(walk: TokenWalk, context: WriteContext, replaces: boolean): TableWrite | undefined {
  const verb = replaces || takeConflictWord(walk) === 'replace' ? 'replace' : 'insert';
  if (!walk.take('into')) return undefined;
  const table = takeTarget(walk);
  if (table === undefined) return undefined;
  if (verb === 'replace') return { table, verb };
  const unknown: TableWrite = { table, verb: context.mayConflict ? 'any' : 'insert' };
  if (!context.isSole || (walk.take('as') && walk.takeName() === undefined)) return unknown;
  const columns = walk.takeNames();
  if (columns === undefined || new Set(columns).size < columns.length || !walk.take('values')) return unknown;
  if (columns.some(isHiddenKey)) return unknown;
  const rows = readRows(walk, columns, new ValueReader(walk.tokens, context.numbered));
  const conflicts = readConflicts(walk);
  return { table, ...conflicts, rows: conflicts.verb === 'any' ? undefined : rows };
}

type Conflicts = Pick<TableWrite, 'verb' | 'set' | 'conflict'>;

/** Reads all ON CONFLICT clauses: where one of them is not plain, the insert may change any row. */
function readConflicts(walk: TokenWalk): Conflicts {
  let found: Conflicts = { verb: 'insert' };
  while (walk.take('on')) {
    if (!walk.take('conflict')) return { verb: 'any' };
    const target = walk.isSign('(') ? walk.takeNames() : undefined;
    // A condition picks a partial index, and a constraint is not known by its name.
    if (walk.take('do', 'nothing')) continue;
    if (target === undefined || found.conflict !== undefined || !walk.take('do', 'update', 'set'))
      return { verb: 'any' };
    found = { verb: 'update', conflict: target, set: readSet(walk, (token) => isWordToken(token, 'on')) };
    if (walk.take('where'))
      walk.takeUntil((token) => isWordToken(token, 'on') || isWordToken(token, 'returning'));
  }
  return walk.peek() === undefined || walk.isWord('returning') ? found : { verb: 'any' };
}

function readRows(
  walk: TokenWalk,
  columns: readonly string[],
  values: ValueReader,
): readonly ReadonlyMap<string, ValuePlace>[] | undefined {
  const rows: ReadonlyMap<string, ValuePlace>[] = [];
  let isPlain = true;
  do {
    if (rows.length === mostRows) {
      passRows(walk);
      return undefined;
    }
    if (!walk.takeSign('(')) return undefined;
    const row = new Map<string, ValuePlace>();
    let index = 0;
    do {
      const place = values.read(walk.takeUntil((token) => isSignToken(token, ',')));
      const column = columns[index];
      if (place !== undefined && column !== undefined) row.set(column, place);
      index += 1;
    } while (walk.takeSign(','));
    if (!walk.takeSign(')') || index !== columns.length) isPlain = false;
    rows.push(row);
  } while (walk.takeSign(','));
  return isPlain ? rows : undefined;
}

/** Up to what stands behind them. */
function passRows(walk: TokenWalk): void {
  const depth = walk.peek()?.depth ?? 0;
  for (let token = walk.peek(); token !== undefined; token = walk.peek()) {
    if (token.depth === depth && token.kind !== 'sign') return;
    walk.at += 1;
  }
}

function readUpdate(walk: TokenWalk, context: WriteContext): TableWrite | undefined {
  const replaces = takeConflictWord(walk) === 'replace';
  walk.take('only');
  const table = takeTarget(walk);
  if (table === undefined) return undefined;
  const alias = takeAlias(walk, 'set');
  if (!walk.take('set')) return { table, verb: 'any' };
  const set = readSet(walk, (token) => isWordToken(token, 'from') || isWordToken(token, 'where'));
  if (replaces) return { table, verb: 'any' };
  return {
    table,
    verb: 'update',
    set,
    rows: context.isSole ? readWhere(walk, [table, alias ?? table], context) : undefined,
  };
}

function readDelete(walk: TokenWalk, context: WriteContext): TableWrite | undefined {
  walk.take('only');
  const table = takeTarget(walk);
  if (table === undefined) return undefined;
  const alias = takeAlias(walk, 'where');
  return {
    table,
    verb: 'delete',
    rows: context.isSole ? readWhere(walk, [table, alias ?? table], context) : undefined,
  };
}

/** @returns what the one row holds that a WHERE allows; undefined where it allows any */
function readWhere(
  walk: TokenWalk,
  names: readonly string[],
  { numbered }: WriteContext,
): readonly ReadonlyMap<string, ValuePlace>[] | undefined {
  if (!walk.take('where')) return undefined;
  const condition = walk.takeUntil(endsWhere);
  if (walk.peek() !== undefined && !endsWhere(walk.peek() as SqlToken)) return undefined;
  if (walk.tokens.slice(walk.at).some((token) => isWordToken(token, 'or'))) return undefined;
  const fixed = readFixedColumns(condition, names, new ValueReader(walk.tokens, numbered));
  return fixed.size === 0 ? undefined : [fixed];
}

function endsWhere(token: SqlToken): boolean {
  return ['returning', 'order', 'limit'].some((word) => isWordToken(token, word));
}

/** @returns the columns that are set; undefined where one of them is not plain */
function readSet(walk: TokenWalk, isEnd: (token: SqlToken) => boolean): readonly string[] | undefined {
  const columns: string[] = [];
  let isPlain = true;
  do {
    const names = walk.isSign('(') ? walk.takeNames() : takeColumn(walk);
    if (names === undefined || !walk.isSign('=') || names.some(isHiddenKey)) isPlain = false;
    else columns.push(...names);
    walk.takeUntil(
      (token) =>
        isSignToken(token, ',') ||
        isEnd(token) ||
        isWordToken(token, 'where') ||
        isWordToken(token, 'returning'),
    );
  } while (walk.takeSign(','));
  return isPlain ? columns : undefined;
}

/** SQLite has other names for an integer key than that of its column. */
function isHiddenKey(column: string): boolean {
  return column === 'rowid' || column === '_rowid_' || column === 'oid';
}

function takeColumn(walk: TokenWalk): readonly string[] | undefined {
  const name = walk.takeName();
  return name === undefined ? undefined : [name];
}

function takeConflictWord(walk: TokenWalk): string | undefined {
  return walk.take('or') ? walk.takeName() : undefined;
}

/** Takes a table and the `*` behind it; a sign behind it that belongs to no clause makes it another one. */
function takeTarget(walk: TokenWalk): string | undefined {
  const table = walk.takeTable();
  walk.takeSign('*');
  const next = walk.peek();
  if (next?.kind === 'string' || next?.kind === 'number') return undefined;
  return next?.kind === 'sign' && next.text !== '(' && next.text !== ')' ? undefined : table;
}

function takeAlias(walk: TokenWalk, keyword: string): string | undefined {
  const isNamed = walk.take('as');
  const next = walk.peek();
  const isAlias = isNamed || next?.kind === 'name' || (next?.kind === 'word' && !isClause(next, keyword));
  return isAlias ? walk.takeName() : undefined;
}

function isClause(token: SqlToken, keyword: string): boolean {
  return [keyword, 'using', 'returning', 'where', 'indexed', 'not', 'order', 'limit'].includes(token.text);
}

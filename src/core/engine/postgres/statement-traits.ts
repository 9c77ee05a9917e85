import {
  CreateTableNode,
  InsertQueryNode,
  RawNode,
  SelectQueryNode,
  ValuesNode,
  type CompiledQuery,
  type RootOperationNode,
} from 'kysely';

/** What a statement is, as far as can be told without asking the server. Where in doubt, the careful answer. */
export interface StatementTraits {
  /** A SELECT that locks no row, with no CTE that might write. The functions that it calls may do anything. */
  readonly isRead: boolean;
  /** An INSERT of one row that stands for itself: no ON CONFLICT, no CTE. */
  readonly isSingleInsert: boolean;
  /** Whether it may change data. SQL text that begins with SELECT counts as reading. */
  readonly mayWrite: boolean;
  /** Whether it is worth a name on the server. */
  readonly isPreparable: boolean;
  /** Whether it may leave something in the session: settings, locks, listeners, temporary tables, cursors. */
  readonly leavesTraces: boolean;
}

const known = new WeakMap<RootOperationNode, StatementTraits>();

/** Says what a compiled statement is. Pure. */
export function traitsOf({ query, sql }: CompiledQuery): StatementTraits {
  let traits = known.get(query);
  if (traits === undefined) {
    traits = RawNode.is(query) ? traitsOfText(sql) : traitsOfNode(query, sql);
    known.set(query, traits);
  }
  return traits;
}

/** Whether a query can be read by a cursor: a SELECT, and no CTE that might write. */
export function readsOnly(node: RootOperationNode): boolean {
  return (
    SelectQueryNode.is(node) &&
    (node.with?.expressions ?? []).every(({ expression }) => SelectQueryNode.is(expression))
  );
}

function traitsOfNode(node: RootOperationNode, sql: string): StatementTraits {
  const isRead = readsOnly(node) && ((node as SelectQueryNode).endModifiers ?? []).length === 0;
  return {
    isRead,
    isSingleInsert: isSingleInsert(node),
    mayWrite: !isRead,
    isPreparable: preparableNodes.has(node.kind) && !readsCatalog.test(sql),
    leavesTraces: (CreateTableNode.is(node) && node.temporary === true) || callsForTraces.test(sql),
  };
}

/**
 * What asks for the schema has no name: from its sixth use on Postgres would plan it without its values, and read every
 * column of its own catalogue to find those of a few tables, which takes ten times as long.
 */
const readsCatalog = /\bpg_catalog\b/i;

const preparableNodes: ReadonlySet<string> = new Set([
  'SelectQueryNode',
  'InsertQueryNode',
  'UpdateQueryNode',
  'DeleteQueryNode',
  'MergeQueryNode',
]);

function isSingleInsert(node: RootOperationNode): boolean {
  return (
    InsertQueryNode.is(node) &&
    node.into !== undefined &&
    node.values !== undefined &&
    ValuesNode.is(node.values) &&
    node.values.values.length === 1 &&
    Object.entries(node).every(([part, value]) => value === undefined || plainInsertParts.has(part))
  );
}

// Whatever else an INSERT can have is not looked into: such a one goes alone.
const plainInsertParts: ReadonlySet<string> = new Set(['kind', 'into', 'columns', 'values', 'returning']);

/** Functions by which a statement that looks harmless leaves something in its session. */
const callsForTraces =
  /\b(?:set_config|pg_(?:try_)?advisory_lock(?:_shared)?|dblink\w*)\s*\(|\binto\s+(?:temp|temporary)\b/i;

const firstWord = /^(?:\s|--[^\n]*\n|\/\*(?:[^*]|\*(?!\/))*\*\/)*([a-z]+)/i;

function traitsOfText(sql: string): StatementTraits {
  const word = firstWord.exec(sql)?.[1]?.toLowerCase() ?? '';
  const isData = dataWords.has(word);
  return {
    isRead: false,
    isSingleInsert: false,
    mayWrite: !readingWords.has(word) && !transactionWords.has(word),
    isPreparable: isData,
    leavesTraces:
      !(isData || transactionWords.has(word) || schemaWords.has(word)) ||
      createsTemporary.test(sql) ||
      callsForTraces.test(sql),
  };
}

const createsTemporary = /\bcreate\s+(?:or\s+replace\s+)?(?:(?:local|global)\s+)?(?:temp|temporary)\b/i;

const schemaWords: ReadonlySet<string> = new Set([
  'create',
  'alter',
  'drop',
  'truncate',
  'comment',
  'grant',
  'revoke',
  'analyze',
  'vacuum',
  'reindex',
  'refresh',
  'explain',
]);

const dataWords: ReadonlySet<string> = new Set([
  'select',
  'insert',
  'update',
  'delete',
  'merge',
  'with',
  'values',
  'table',
]);
const readingWords: ReadonlySet<string> = new Set([
  'select',
  'values',
  'table',
  'show',
  'set',
  'reset',
  'lock',
  '',
]);
const transactionWords: ReadonlySet<string> = new Set([
  'begin',
  'start',
  'commit',
  'end',
  'rollback',
  'abort',
  'savepoint',
  'release',
  'show',
  '',
]);

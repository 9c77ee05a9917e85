import {
  DeleteResult,
  InsertResult,
  MergeResult,
  UpdateResult,
  type DialectAdapter,
  type QueryResult,
  type RootOperationNode,
} from 'kysely';

/**
 * What the `execute` of Kysely's builders makes of a connection's answer: the rows, or one result that counts
 * where a statement that writes returns none.
 *
 * @param query the statement's node
 * @param adapter says whether RETURNING and OUTPUT give rows
 */
export function statementRows<Row>(
  result: QueryResult<Row>,
  query: RootOperationNode,
  adapter: DialectAdapter,
): Row[] {
  return (countsOnly(query, adapter) ? [countOf(result, query)] : result.rows) as Row[];
}

function countsOnly(query: RootOperationNode, adapter: DialectAdapter): boolean {
  switch (query.kind) {
    case 'InsertQueryNode':
    case 'UpdateQueryNode':
    case 'DeleteQueryNode':
    case 'MergeQueryNode':
      return (
        !(query.returning !== undefined && adapter.supportsReturning) &&
        !(query.output !== undefined && adapter.supportsOutput)
      );
    default:
      return false;
  }
}

function countOf(
  { insertId, numAffectedRows, numChangedRows }: QueryResult<unknown>,
  { kind }: RootOperationNode,
): InsertResult | UpdateResult | DeleteResult | MergeResult {
  switch (kind) {
    case 'InsertQueryNode':
      return new InsertResult(insertId, numAffectedRows ?? 0n);
    case 'UpdateQueryNode':
      return new UpdateResult(numAffectedRows ?? 0n, numChangedRows);
    case 'DeleteQueryNode':
      return new DeleteResult(numAffectedRows ?? 0n);
    default:
      return new MergeResult(numAffectedRows);
  }
}

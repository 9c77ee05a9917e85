import type { QueryResult } from 'kysely';
import type { WireResult } from './postgres-exchange.ts';

/** Says as Kysely does what a statement gave: its rows, how many it changed where it changes any, and how it ended a transaction. */
export function toQueryResult<Row>({ command, rowCount, rows }: WireResult): QueryResult<Row> {
  if (command === 'COMMIT' || command === 'ROLLBACK') return { rows: [{ command } as Row] };
  return countsRows(command)
    ? { rows: rows as Row[], numAffectedRows: BigInt(rowCount ?? 0) }
    : { rows: rows as Row[] };
}

function countsRows(command: string): boolean {
  return command === 'INSERT' || command === 'UPDATE' || command === 'DELETE' || command === 'MERGE';
}

import type { CompiledQuery, QueryResult, TransactionSettings } from 'kysely';
import type { WireResult } from './postgres-exchange.ts';
import type { PostgresSession, SessionStatement } from './postgres-session.ts';

/** What a cursor needs of its connection. */
export interface CursorConnection {
  readonly session: Pick<PostgresSession, 'transaction'>;
  readonly isInTransaction: boolean;
  run(statement: SessionStatement): Promise<WireResult>;
  begin(settings: TransactionSettings): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

// One connection may read by several cursors; a name only has to be unlike the others.
let cursorCount = 0;

/** Reads a query in chunks, in the transaction that runs or, outside of any, in one of its own. */
export async function* streamByCursor<Row>(
  connection: CursorConnection,
  query: CompiledQuery,
  chunkSize: number,
): AsyncIterableIterator<QueryResult<Row>> {
  if (connection.isInTransaction) {
    yield* readCursor<Row>(connection, query, chunkSize);
    return;
  }
  await connection.begin({});
  let end = () => connection.commit();
  try {
    yield* readCursor<Row>(connection, query, chunkSize);
  } catch (error) {
    // The first error is the one that is told.
    end = () => connection.rollback().catch(() => {});
    throw error;
  } finally {
    await end();
  }
}

async function* readCursor<Row>(
  connection: CursorConnection,
  query: CompiledQuery,
  chunkSize: number,
): AsyncIterableIterator<QueryResult<Row>> {
  cursorCount += 1;
  const name = `liminal_cursor_${cursorCount}`;
  await connection.run({
    text: `declare ${name} no scroll cursor for ${query.sql}`,
    values: query.parameters,
  });
  let open = true;
  try {
    while (open) {
      const { rows } = await connection.run({ text: `fetch ${chunkSize} from ${name}` });
      open = rows.length === chunkSize;
      if (rows.length > 0) yield { rows: rows as Row[] };
    }
  } finally {
    // A failed transaction takes its cursors with it.
    if (connection.session.transaction === 'open') await connection.run({ text: `close ${name}` });
  }
}

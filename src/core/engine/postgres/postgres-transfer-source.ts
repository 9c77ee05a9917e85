import { sql, type Kysely } from 'kysely';
import { quoteName, quoteNames } from '../orphan-condition.ts';
import type { TransferCell, TransferKind, TransferRow, TransferTable } from '../transfer-table.ts';
import type { LastKey, TransferSource } from '../transfer-traits.ts';
import { CopyOut } from './copy-out.ts';
import { readCopyLine } from './copy-text.ts';
import type { PostgresTransferClient } from './postgres-transfer-client.ts';
import { readSequences } from './postgres-transfer-sequences.ts';

/**
 * A snapshot that a transaction holds open on a connection of its own. It is gone with the connection, so a copy that
 * goes on later has another one.
 */
export class PostgresTransferSource implements TransferSource {
  readonly isKept = false;
  readonly #client: PostgresTransferClient;
  readonly #snapshot: string;

  private constructor(client: PostgresTransferClient, snapshot: string) {
    this.#client = client;
    this.#snapshot = snapshot;
  }

  static async open(client: PostgresTransferClient): Promise<PostgresTransferSource> {
    try {
      await client.query('begin isolation level repeatable read read only');
      const [row] = await client.query<{ id: string }>('select pg_export_snapshot() as id');
      return new PostgresTransferSource(client, row!.id);
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  async count(table: string): Promise<number> {
    const [row] = await this.#client.query<{ n: string }>(`select count(*) as n from ${quoteName(table)}`);
    return Number(row!.n);
  }

  async *read(
    table: TransferTable,
    columns: readonly string[],
  ): AsyncGenerator<readonly TransferRow[], void> {
    const readers = columns.map((name) =>
      readerOf(table.columns.find((column) => column.name === name)!.kind),
    );
    // A table without columns has lines without values.
    const copy = this.#client.submit(
      new CopyOut(`copy (select ${quoteNames(columns)} from ${quoteName(table.name)}) to stdout`),
    );
    const lines = copy.lines();
    for (;;) {
      const { value } = await this.#client.translating(() => lines.next());
      if (value === undefined) return;
      yield value.map((line) =>
        readCopyLine(line).map((text, index) => (text === null ? null : readers[index]!(text))),
      );
    }
  }

  lastKeys(): Promise<readonly LastKey[]> {
    return readSequences(this.#client);
  }

  async look<Result>(db: Kysely<any>, work: (snapshot: Kysely<any>) => Promise<Result>): Promise<Result> {
    return db
      .transaction()
      .setIsolationLevel('repeatable read')
      .execute(async (trx) => {
        await sql`set transaction snapshot ${sql.lit(this.#snapshot)}`.execute(trx);
        return work(trx);
      });
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}

function readerOf(kind: TransferKind): (text: string) => TransferCell {
  switch (kind) {
    case 'integer':
      return readInteger;
    case 'real':
      return readReal;
    case 'boolean':
      return (text) => (text === 't' ? 1 : 0);
    case 'blob':
      return (text) => Buffer.from(text.slice(2), 'hex');
    default:
      return (text) => text;
  }
}

function readInteger(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

function readReal(text: string): number {
  return Number(text);
}

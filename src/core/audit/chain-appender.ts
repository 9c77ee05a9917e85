import { sql, type Kysely, type RawBuilder, type Transaction } from 'kysely';
import type { MacKeys } from '../foundation/mac-keys.ts';
import { committedReadsOf, type CommittedReads } from '../provider/committed-reads.ts';
import { slot, plainSlot } from '../query/statement-template.ts';
import { StatementCache } from '../query/statement-cache.ts';
import type { AuditProvider } from './audit-provider.ts';
import { auditTablesOf, type AuditTables } from './audit-tables.ts';
import { emptyChain, sealRow, type ChainHead, type ChainRow, type RowFacts } from './chain-row.ts';

/** In the order of the parameters. */
const columns: readonly (keyof ChainRow)[] = [
  'stream',
  'seq',
  'id',
  'recorded_at',
  'tenant',
  'actor_type',
  'actor_id',
  'action',
  'entity_type',
  'entity_id',
  'request_id',
  'trace_id',
  'content',
  'content_digest',
  'key_id',
  'prev_hash',
  'hash',
];

/** SQLite joins at most 500 parts by UNION. */
const mostStreams = 200;

interface HeadRow extends ChainHead {
  readonly stream: string;
}

/**
 * Writes events behind the heads of their chains. Who appends to a chain has it for itself until its transaction ends,
 * so that no two rows follow the same one; the primary key would refuse them.
 */
export class ChainAppender {
  readonly #provider: AuditProvider;
  readonly #keys: MacKeys;
  readonly #statements: StatementCache<AuditTables>;

  constructor(provider: AuditProvider, keys: MacKeys) {
    this.#provider = provider;
    this.#keys = keys;
    this.#statements = new StatementCache({ db: auditTablesOf(provider.db) });
  }

  /**
   * Appends to a transaction that has no other rows of the trail.
   *
   * @param db its handle
   * @param events in their order
   */
  async append(db: Transaction<never>, events: readonly RowFacts[]): Promise<void> {
    const tables = auditTablesOf(db);
    const streams = streamsOf(events);
    await this.#lock(tables, streams);
    const reads = committedReadsOf(this.#provider);
    const heads =
      reads === undefined
        ? await this.#readHeads(tables, streams)
        : await this.#readCommittedHeads(reads, streams);
    await this.#insert(tables, this.#seal(events, new Map(heads.map((head) => [head.stream, head]))));
  }

  /** Appends to a transaction that may have rows of the trail, which nobody else sees yet. */
  async appendToOwn(db: Transaction<never>, events: readonly RowFacts[]): Promise<void> {
    const tables = auditTablesOf(db);
    const streams = streamsOf(events);
    await this.#lock(tables, streams);
    const reads = committedReadsOf(this.#provider);
    const committed = reads === undefined ? [] : await this.#readCommittedHeads(reads, streams);
    const heads = new Map<string, ChainHead>();
    for (const head of [...committed, ...(await this.#readHeads(tables, streams))]) {
      if (head.seq > (heads.get(head.stream)?.seq ?? 0)) heads.set(head.stream, head);
    }
    await this.#insert(tables, this.#seal(events, heads));
  }

  async #lock(tables: Kysely<AuditTables>, streams: readonly string[]): Promise<void> {
    const lock = this.#provider.sql.lockNames?.(streams.map((stream) => `liminal audit ${stream}`));
    await lock?.execute(tables);
  }

  async #readHeads(tables: Kysely<AuditTables>, streams: readonly string[]): Promise<HeadRow[]> {
    const heads: HeadRow[] = [];
    for (const part of partsOf(streams, mostStreams)) {
      const { rows } = await this.#statements.run<HeadRow>(
        {
          key: `heads ${part.length}`,
          values: part,
          build: () => selectHeads(part.map((_, place) => slot<string>(place))),
        },
        tables,
      );
      heads.push(...rows);
    }
    return heads;
  }

  /**
   * Beside the transaction, whose snapshot may be older than its lock: what another one has appended in between would
   * not be seen in it, and above `read committed` every two units of work would be in each other's way.
   */
  async #readCommittedHeads(reads: CommittedReads, streams: readonly string[]): Promise<HeadRow[]> {
    const root = auditTablesOf(this.#provider.db);
    const heads: HeadRow[] = [];
    for (const part of partsOf(streams, mostStreams)) {
      const query = selectHeads(part.map((stream) => sql`${stream}`)).compile(root);
      heads.push(...(await reads.execute(query)).rows);
    }
    return heads;
  }

  #seal(events: readonly RowFacts[], heads: Map<string, ChainHead>): ChainRow[] {
    return events
      .map((event) => {
        const row = sealRow(this.#keys, event, heads.get(event.stream) ?? emptyChain);
        heads.set(event.stream, row);
        return row;
      })
      .toSorted((one, other) => compare(one.stream, other.stream) || one.seq - other.seq);
  }

  async #insert(tables: Kysely<AuditTables>, rows: readonly ChainRow[]): Promise<void> {
    const size = Math.floor(this.#provider.sql.maxParameters / columns.length);
    for (const part of partsOf(rows, size)) {
      await this.#statements.run(
        {
          key: `insert ${part.length}`,
          values: part.flatMap((row) => columns.map((column) => row[column])),
          build: (db) => db.insertInto('audit_logs').values(slotsOfRows(part.length)),
        },
        tables,
      );
    }
  }
}

function streamsOf(events: readonly RowFacts[]): string[] {
  return [...new Set(events.map(({ stream }) => stream))].toSorted(compare);
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

function* partsOf<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  if (items.length <= size) return void (yield items);
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size);
}

function selectHeads(streams: readonly RawBuilder<unknown>[]): RawBuilder<HeadRow> {
  const heads = streams.map(
    (stream, place) => sql`select * from (
      select stream, seq, hash from audit_logs where stream = ${stream} order by seq desc limit 1
    ) as ${sql.ref(`head_${place}`)}`,
  );
  return sql<HeadRow>`${sql.join(heads, sql` union all `)}`;
}

function slotsOfRows(count: number) {
  return Array.from({ length: count }, (_, row) =>
    Object.fromEntries(columns.map((column, place) => [column, plainSlot(row * columns.length + place)])),
  ) as never;
}

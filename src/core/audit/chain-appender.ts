import { sql, type Kysely, type RawBuilder, type Transaction } from 'kysely';
import type { MacKeys } from '../foundation/mac-keys.ts';
import type { CommitParticipant } from '../provider/commit-participant.ts';
import { committedReadsOf } from '../provider/committed-reads.ts';
import { slot, plainSlot } from '../query/statement-template.ts';
import { StatementCache, type StatementShape } from '../query/statement-cache.ts';
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

/** An event, and the keys of the log that it was recorded in. */
export interface KeyedFacts {
  readonly facts: RowFacts;
  readonly keys: MacKeys;
}

const known = new WeakMap<AuditProvider, ChainAppender>();

interface HeadRow extends ChainHead {
  readonly stream: string;
}

/** Stands for the heads that a transaction must not read by itself. */
type NoHeadRow = { readonly [Name in keyof HeadRow]: null };

/**
 * Writes events behind the heads of their chains. Who appends to a chain has it for itself until its transaction ends,
 * so that no two rows follow the same one; the primary key would refuse them.
 */
export class ChainAppender implements CommitParticipant<KeyedFacts> {
  readonly #provider: AuditProvider;
  readonly #statements: StatementCache<AuditTables>;

  constructor(provider: AuditProvider) {
    this.#provider = provider;
    this.#statements = new StatementCache({ db: auditTablesOf(provider.db) });
  }

  /**
   * The one of a database: events that several logs have recorded in a transaction are appended together. One log would
   * not see the rows of another, which are not committed yet, and their locks would be taken in two orders.
   */
  static of(provider: AuditProvider): ChainAppender {
    let appender = known.get(provider);
    if (appender === undefined) known.set(provider, (appender = new ChainAppender(provider)));
    return appender;
  }

  /** Appends to a transaction that has no other rows of the trail. */
  async beforeCommit(db: Transaction<never>, events: readonly KeyedFacts[]): Promise<void> {
    const tables = auditTablesOf(db);
    const streams = streamsOf(events);
    const heads =
      (await this.#lockAndRead(tables, streams)) ?? (await this.#readCommittedHeads(tables, streams));
    await this.#insert(tables, this.#seal(events, new Map(heads.map((head) => [head.stream, head]))));
  }

  /** Appends to a transaction that may have rows of the trail, which nobody else sees yet. */
  async appendToOwn(db: Transaction<never>, events: readonly KeyedFacts[]): Promise<void> {
    const tables = auditTablesOf(db);
    const streams = streamsOf(events);
    const latest = (await this.#lockAndRead(tables, streams)) ?? [
      ...(await this.#readCommittedHeads(tables, streams)),
      ...(await this.#readHeads(tables, streams)),
    ];
    const heads = new Map<string, ChainHead>();
    for (const head of latest) {
      if (head.seq > (heads.get(head.stream)?.seq ?? 0)) heads.set(head.stream, head);
    }
    await this.#insert(tables, this.#seal(events, heads));
  }

  /**
   * Takes the streams until the end of the transaction, and reads their heads.
   *
   * @returns undefined where the transaction sees one snapshot to its end: what another one has appended between that
   *   and the lock would not be seen in it
   */
  async #lockAndRead(
    tables: Kysely<AuditTables>,
    streams: readonly string[],
  ): Promise<readonly HeadRow[] | undefined> {
    const { nameLocks } = this.#provider.sql;
    if (nameLocks === undefined) return this.#readHeads(tables, streams);
    const { rows } = await this.#statements.run<HeadRow | NoHeadRow>(
      {
        key: 'lock and read',
        values: [nameLocks.keysOf(streams.map((stream) => `liminal audit ${stream}`)), streams],
        build: () => nameLocks.lockAndReadChains<HeadRow | NoHeadRow>('audit_logs_heads', slot(0), slot(1)),
      },
      tables,
    );
    return rows.every((row) => row.stream !== null) ? rows : undefined;
  }

  async #readHeads(tables: Kysely<AuditTables>, streams: readonly string[]): Promise<HeadRow[]> {
    const heads: HeadRow[] = [];
    for (const part of partsOf(streams, mostStreams)) {
      heads.push(...(await this.#statements.run(headsOf(part), tables)).rows);
    }
    return heads;
  }

  /** Beside the transaction: in it, every two units of work would be in each other's way above `read committed`. */
  async #readCommittedHeads(tables: Kysely<AuditTables>, streams: readonly string[]): Promise<HeadRow[]> {
    const reads = committedReadsOf(this.#provider);
    if (reads === undefined) return this.#readHeads(tables, streams);
    const heads: HeadRow[] = [];
    for (const part of partsOf(streams, mostStreams)) {
      heads.push(...(await reads.execute(this.#statements.bind(headsOf(part)))).rows);
    }
    return heads;
  }

  #seal(events: readonly KeyedFacts[], heads: Map<string, ChainHead>): ChainRow[] {
    return events
      .map(({ facts, keys }) => {
        const row = sealRow(keys, facts, heads.get(facts.stream) ?? emptyChain);
        heads.set(facts.stream, row);
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
          values: valuesOf(part),
          build: (db) => db.insertInto('audit_logs').values(slotsOfRows(part.length)),
        },
        tables,
      );
    }
  }
}

function streamsOf(events: readonly KeyedFacts[]): string[] {
  return [...new Set(events.map(({ facts }) => facts.stream))].toSorted(compare);
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

function* partsOf<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  if (items.length <= size) return void (yield items);
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size);
}

function headsOf(streams: readonly string[]): StatementShape<AuditTables, HeadRow> {
  return { key: `heads ${streams.length}`, values: streams, build: () => selectHeads(streams.length) };
}

// The cast is for SQLite, which prepares a statement anew at each run where its plan may depend on a bare parameter: that
// costs ten times what the read does.
function selectHeads(count: number): RawBuilder<HeadRow> {
  const heads = Array.from(
    { length: count },
    (_, place) => sql`select * from (
      select stream, seq, hash from audit_logs where stream = cast(${slot(place)} as text)
      order by seq desc limit 1
    ) as ${sql.ref(`head_${place}`)}`,
  );
  return sql<HeadRow>`${sql.join(heads, sql` union all `)}`;
}

function valuesOf(rows: readonly ChainRow[]): unknown[] {
  const values: unknown[] = [];
  for (const row of rows) for (const column of columns) values.push(row[column]);
  return values;
}

function slotsOfRows(count: number) {
  return Array.from({ length: count }, (_, row) =>
    Object.fromEntries(columns.map((column, place) => [column, plainSlot(row * columns.length + place)])),
  ) as never;
}

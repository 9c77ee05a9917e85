import type { Kysely } from 'kysely';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import type { Filter } from '../query/filter.ts';
import { auditColumns, type AuditEntries } from './audit-entries.ts';
import { checkMembers, readAuditFilter } from './audit-filter.ts';
import { checkText } from './check-text.ts';
import { auditTablesOf, type AuditLogsTable, type AuditTables } from './audit-tables.ts';
import type { ChainRow } from './chain-row.ts';
import { refuseTampered } from './check-purgeable.ts';
import { isListed } from './is-listed.ts';
import type { LegalHold } from './hold.ts';
import { activeHolds, keep, refuseHeld } from './legal-hold.ts';
import { withMaintenance } from './maintenance.ts';
import { isLasting } from './recorded-holds.ts';
import { sealSegment } from './segment.ts';
import { divideRuns } from './seq-ranges.ts';
import type { TrailKeeper } from './trail-keeper.ts';

/** What is purged. */
export interface PurgeOptions {
  /** The age in ms, by the clock, from which on entries go; at least 1. */
  readonly olderThan: number;
  /** Only entries on these types of entities; on any, or none, by default. */
  readonly entityTypes?: readonly string[] | undefined;
  /** Entries on these types of entities stay, such as those that are kept for longer. Not together with `entityTypes`. */
  readonly exceptEntityTypes?: readonly string[] | undefined;
  /** Only entries of this tenant. */
  readonly tenant?: string | undefined;
  /** Only entries of this chain. */
  readonly stream?: string | undefined;
  /** Whether a legal hold on one of the entries refuses the whole purge, which is the default, or they alone are kept. */
  readonly held?: 'refuse' | 'keep' | undefined;
  /** Why, such as the name of the policy. */
  readonly reason?: string | undefined;
  /** Ends the work between two transactions; what was purged stays so. */
  readonly signal?: AbortSignal | undefined;
  /** Is told after each transaction how many entries were purged so far. */
  readonly onProgress?: ((purged: number) => void) | undefined;
}

/** What a purge did. */
export interface PurgeReport {
  /** How many entries are gone. */
  readonly purged: number;
  /** How many signed summaries stand for them. */
  readonly segments: number;
}

/** How many entries one transaction purges. */
const portion = 2_000;

/**
 * Deletes old entries and leaves a signed summary of each run of them, so that the chain goes on to verify. The newest
 * entry of each chain stays, whatever its age, and so does what explains erasures and proves holds.
 */
export async function purgeTrail(
  keeper: TrailKeeper,
  entries: AuditEntries,
  options: PurgeOptions,
): Promise<PurgeReport> {
  const { signal, onProgress } = options;
  checkPurge(options);
  const wanted = wantedBy(options, keeper.clock.now());
  const db = auditTablesOf(keeper.provider.db);
  // Before anything is purged; and again in each transaction, for what is placed meanwhile.
  if (options.held !== 'keep') {
    await refuseHeld('purge', {
      entries,
      wanted,
      holds: await activeHolds(keeper, entries, undefined),
      on: undefined,
    });
  }
  let report: PurgeReport = { purged: 0, segments: 0 };
  for (const stream of await streamsOf(db, options)) {
    for (let after = 0; ;) {
      signal?.throwIfAborted();
      const done = await purgePortion(keeper, entries, { ...options, wanted, stream, after });
      report = { purged: report.purged + done.purged, segments: report.segments + done.segments };
      after = done.last;
      if (done.purged > 0) onProgress?.(report.purged);
      if (done.purged < portion) break;
    }
  }
  return report;
}

const members: ReadonlySet<string> = new Set<keyof PurgeOptions>([
  ...(['olderThan', 'entityTypes', 'exceptEntityTypes', 'tenant', 'stream', 'held', 'reason'] as const),
  ...(['signal', 'onProgress'] as const),
]);

function checkPurge(options: PurgeOptions): void {
  const { olderThan, entityTypes, exceptEntityTypes, tenant, stream, held, reason } = options;
  const issues: Issue[] = [];
  // One that is misspelled would purge more than was meant.
  checkMembers(options, members, [], issues);
  if (!Number.isSafeInteger(olderThan) || olderThan < 1) {
    issues.push({ path: ['olderThan'], message: 'must be an age in ms, a whole number of at least 1' });
  }
  for (const [name, types] of Object.entries({ entityTypes, exceptEntityTypes })) {
    if (types === undefined) continue;
    if (!Array.isArray(types) || types.length === 0 || types.length > 1_000) {
      issues.push({ path: [name], message: 'must be a list of 1 to 1000 types' });
    } else types.forEach((type: unknown, index) => checkText(type, [name, index], issues));
  }
  if (entityTypes !== undefined && exceptEntityTypes !== undefined) {
    issues.push({ path: ['exceptEntityTypes'], message: 'cannot be asked for together with `entityTypes`' });
  }
  for (const [name, text] of Object.entries({ tenant, stream, reason })) {
    if (text !== undefined) checkText(text, [name], issues);
  }
  if (held !== undefined && held !== 'refuse' && held !== 'keep') {
    issues.push({ path: ['held'], message: 'must be refuse or keep' });
  }
  if (issues.length > 0) throw new ValidationError(issues);
}

function wantedBy(options: PurgeOptions, now: number): Filter<AuditLogsTable> {
  const { olderThan, entityTypes, exceptEntityTypes, tenant, stream } = options;
  return {
    recorded_at: { lte: now - olderThan },
    ...(entityTypes === undefined ? {} : { entity_type: { in: entityTypes } }),
    not:
      exceptEntityTypes === undefined
        ? isLasting
        : { or: [isLasting, { entity_type: { in: exceptEntityTypes } }] },
    ...(tenant === undefined ? {} : { tenant }),
    ...(stream === undefined ? {} : { stream }),
  };
}

/** The chains that may have something to purge. Each is asked again by itself. */
async function streamsOf(db: Kysely<AuditTables>, { stream }: PurgeOptions): Promise<readonly string[]> {
  if (stream !== undefined) return [stream];
  const rows = await db.selectFrom('audit_logs').select('stream').distinct().orderBy('stream').execute();
  return rows.map((row) => row.stream);
}

interface Portion extends Omit<PurgeOptions, 'stream'> {
  readonly wanted: Filter<AuditLogsTable>;
  readonly stream: string;
  /** Nothing of the chain up to this place is to be purged any more. */
  readonly after: number;
}

function purgePortion(
  keeper: TrailKeeper,
  entries: AuditEntries,
  { wanted, stream, after, held, olderThan, reason, signal }: Portion,
): Promise<PurgeReport & { readonly last: number }> {
  return keep(
    keeper,
    async (tx) => {
      const db = auditTablesOf(tx);
      const holds = await activeHolds(keeper, entries, db);
      const newest = await newestOf(db, stream);
      const filter = { and: [wanted, { stream, seq: { gt: after, lt: newest } }, ...outsideOf(holds, held)] };
      const rows: ChainRow[] = await entries.findMany(filter, {
        select: auditColumns,
        orderBy: 'seq',
        limit: portion,
        on: db,
      });
      const [first, last] = [rows[0], rows.at(-1)];
      if (first === undefined || last === undefined) return { purged: 0, segments: 0, last: after };
      if (held !== 'keep') {
        const taken = { and: [wanted, { stream, seq: { gte: first.seq, lte: last.seq } }] };
        await refuseHeld('purge', { entries, wanted: taken, holds, on: db });
      }
      await refuseTampered(keeper.keys, entries, [first, ...rows.slice(1)], db);
      const runs = divideRuns(rows);
      await summarize(keeper, db, stream, runs);
      await withMaintenance(tx, () => deleteRows(keeper, db, stream, rows));
      await keeper.record(tx, {
        action: 'audit.purge',
        entity: { type: 'audit_stream', id: stream },
        reason,
        metadata: {
          rows: rows.length,
          segments: runs.length,
          fromSeq: first.seq,
          toSeq: last.seq,
          olderThan,
        },
      });
      return { purged: rows.length, segments: runs.length, last: last.seq };
    },
    signal,
  );
}

function outsideOf(holds: readonly LegalHold[], held: PurgeOptions['held']): Filter<AuditLogsTable>[] {
  if (held !== 'keep' || holds.length === 0) return [];
  return [{ not: { or: holds.map(({ what }) => readAuditFilter(what)) } }];
}

/** The place of the newest row, which stays: it is the head of the chain. */
async function newestOf(db: Kysely<AuditTables>, stream: string): Promise<number> {
  const row = await db
    .selectFrom('audit_logs')
    .select('seq')
    .where('stream', '=', stream)
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.seq ?? 0;
}

async function summarize(
  { keys, clock }: TrailKeeper,
  db: Kysely<AuditTables>,
  stream: string,
  runs: readonly (readonly ChainRow[])[],
): Promise<void> {
  const purgedAt = clock.now();
  const segments = runs.map((run) => {
    const [first, last] = [run[0]!, run.at(-1)!];
    return sealSegment(keys, {
      stream,
      fromSeq: first.seq,
      toSeq: last.seq,
      prevHash: first.prev_hash,
      lastHash: last.hash,
      purgedAt,
    });
  });
  await db.insertInto('audit_segments').values(segments).execute();
}

async function deleteRows(
  { provider }: TrailKeeper,
  db: Kysely<AuditTables>,
  stream: string,
  rows: readonly ChainRow[],
): Promise<void> {
  const seqs = rows.map(({ seq }) => seq);
  await db
    .deleteFrom('audit_logs')
    .where('stream', '=', stream)
    .where(isListed(provider.sql, 'seq', 'integer', seqs))
    .execute();
}

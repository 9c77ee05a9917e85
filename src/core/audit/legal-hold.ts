import type { Kysely, Selectable } from 'kysely';
import { defineId, createUuidSource } from '../domain/uuid.ts';
import { currentActor } from '../foundation/actor-context.ts';
import { LegalHoldError } from '../foundation/errors/audit-errors.ts';
import { NotFoundError } from '../foundation/errors/entity-errors.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import type { Filter } from '../query/filter.ts';
import { decodeJson, encodeJson } from '../query/json-text.ts';
import type { AuditEntries, AuditReadProvider } from './audit-entries.ts';
import { checkMembers, readAuditFilter, saidOf } from './audit-filter.ts';
import { checkText } from './check-text.ts';
import {
  auditTablesOf,
  type AuditHoldsTable,
  type AuditLogsTable,
  type AuditTables,
} from './audit-tables.ts';
import type { HoldScope, LegalHold } from './hold.ts';
import { holdAction, recordedHolds, releaseAction } from './recorded-holds.ts';
import type { TrailKeeper } from './trail-keeper.ts';

const scopeMembers: ReadonlySet<string> = new Set<keyof HoldScope>(['actor', 'entity', 'stream', 'tenant']);
const holdId = defineId('LegalHoldId');

/** Places a hold and records that. */
export async function placeHold(keeper: TrailKeeper, what: HoldScope, reason: string): Promise<LegalHold> {
  const issues: Issue[] = [];
  if (typeof what === 'object' && what !== null) checkMembers(what, scopeMembers, ['what'], issues);
  checkText(reason, ['reason'], issues);
  if (issues.length > 0) throw new ValidationError(issues);
  // Read once for its faults.
  readAuditFilter(what);
  const id = createUuidSource(keeper.clock)();
  const row = {
    id,
    what: encodeJson(saidOf(what), 'what'),
    reason,
    placed_at: keeper.clock.now(),
    placed_by: currentActor()?.id ?? null,
    released_at: null,
    released_by: null,
  };
  await keep(keeper, async (tx) => {
    await auditTablesOf(tx).insertInto('audit_holds').values(row).execute();
    await keeper.record(tx, {
      action: holdAction,
      entity: { type: 'audit_hold', id },
      reason,
      metadata: { what: decodeJson(row.what) as Record<string, unknown> },
    });
  });
  return holdFromRow(row);
}

/** Releases a hold and records that. */
export async function releaseHold(
  keeper: TrailKeeper,
  entries: AuditEntries,
  id: string,
  reason: string,
): Promise<LegalHold> {
  const key = holdId.parse(id);
  const issues: Issue[] = [];
  checkText(reason, ['reason'], issues);
  if (issues.length > 0) throw new ValidationError(issues);
  return keep(keeper, async (tx) => {
    const db = auditTablesOf(tx);
    const released = { at: keeper.clock.now(), by: currentActor()?.id };
    const row = await db
      .updateTable('audit_holds')
      .set({ released_at: released.at, released_by: released.by ?? null })
      .where('id', '=', key)
      .where('released_at', 'is', null)
      .returningAll()
      .executeTakeFirst();
    const hold =
      row === undefined ? (await recordedHolds(keeper.keys, entries, db)).get(key) : holdFromRow(row);
    if (hold === undefined) throw new NotFoundError('audit_holds');
    await keeper.record(tx, { action: releaseAction, entity: { type: 'audit_hold', id: hold.id }, reason });
    return { ...hold, releasedAt: released.at, releasedBy: released.by };
  });
}

/** All holds, those that still hold first, and of them the newest. */
export async function listHolds({ db }: Pick<AuditReadProvider, 'db'>): Promise<LegalHold[]> {
  const rows = await auditTablesOf(db)
    .selectFrom('audit_holds')
    .selectAll()
    .orderBy('placed_at', 'desc')
    .orderBy('id', 'desc')
    .execute();
  const [active, released] = [
    rows.filter(({ released_at: at }) => at === null),
    rows.filter(({ released_at: at }) => at !== null),
  ];
  return [...active, ...released].map(holdFromRow);
}

/**
 * The holds that are not released, for a purge or an erasure: those of the table, and those of the trail, which has the
 * last word, so that nobody lifts or narrows a hold by a statement.
 *
 * @param on the transaction; undefined outside of one
 */
export async function activeHolds(
  { keys, provider }: Pick<TrailKeeper, 'keys' | 'provider'>,
  entries: AuditEntries,
  on: Kysely<AuditTables> | undefined,
): Promise<LegalHold[]> {
  const rows = await (on ?? auditTablesOf(provider.db))
    .selectFrom('audit_holds')
    .selectAll()
    .where('released_at', 'is', null)
    .execute();
  const holds = new Map(rows.map((row) => [row.id, holdFromRow(row)]));
  for (const [id, hold] of await recordedHolds(keys, entries, on)) holds.set(id, hold);
  return [...holds.values()];
}

/**
 * Refuses work on entries that a hold keeps.
 *
 * @param entries where they are looked for
 * @param wanted what the work would take
 * @param holds those that hold now
 * @throws LegalHoldError with every hold that keeps one of them
 */
export async function refuseHeld(
  work: 'purge' | 'erasure',
  { entries, wanted, holds, on }: HeldQuestion,
): Promise<void> {
  const keeping: string[] = [];
  for (const { id, what } of holds) {
    if (await entries.exists({ and: [wanted, readAuditFilter(what)] }, { on })) keeping.push(id);
  }
  if (keeping.length > 0) throw new LegalHoldError(work, keeping);
}

interface HeldQuestion {
  readonly entries: AuditEntries;
  readonly wanted: Filter<AuditLogsTable>;
  readonly holds: readonly LegalHold[];
  /** The transaction that they are asked in. */
  readonly on: Kysely<AuditTables> | undefined;
}

/**
 * Runs work on holds, or work that they stop, in a transaction. Such work comes one after the other, so that none
 * takes what a hold keeps that was placed meanwhile.
 */
export function keep<Result>(
  { provider }: Pick<TrailKeeper, 'provider'>,
  work: (tx: Kysely<never>) => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  return provider.transaction(
    async (tx) => {
      const { nameLocks } = provider.sql;
      await nameLocks?.lock(nameLocks.keysOf(['liminal-data audit keeping'])).execute(auditTablesOf(tx));
      return work(tx as Kysely<never>);
    },
    // What was committed by whoever had the lock before is to be seen behind it.
    { isolation: 'read committed', retry: true, signal },
  );
}

function holdFromRow(row: Selectable<AuditHoldsTable>): LegalHold {
  return {
    id: row.id,
    what: decodeJson(row.what) as HoldScope,
    reason: row.reason,
    placedAt: row.placed_at,
    placedBy: row.placed_by ?? undefined,
    releasedAt: row.released_at ?? undefined,
    releasedBy: row.released_by ?? undefined,
  };
}

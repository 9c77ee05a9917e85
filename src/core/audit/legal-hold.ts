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
import { checkMembers, checkText, readAuditFilter, saidOf, type AuditFilter } from './audit-filter.ts';
import {
  auditTablesOf,
  type AuditHoldsTable,
  type AuditLogsTable,
  type AuditTables,
} from './audit-tables.ts';
import type { TrailKeeper } from './trail-keeper.ts';

/** What a hold keeps: all that is said must hold of an entry. `{}` keeps the whole trail. */
export type HoldScope = Pick<AuditFilter, 'actor' | 'entity' | 'stream' | 'tenant'>;

/** A legal hold: what it keeps is neither purged nor erased until it is released. */
export interface LegalHold {
  /** The id of the hold. */
  readonly id: string;
  /** What it keeps. */
  readonly what: HoldScope;
  /** Why, such as the name of a case. */
  readonly reason: string;
  /** When it was placed, in epoch ms. */
  readonly placedAt: number;
  /** The id of who placed it; undefined where nobody was known. */
  readonly placedBy: string | undefined;
  /** When it was released, in epoch ms; undefined while it holds. */
  readonly releasedAt: number | undefined;
  /** The id of who released it. */
  readonly releasedBy: string | undefined;
}

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
      action: 'audit.hold',
      entity: { type: 'audit_hold', id },
      reason,
      metadata: { what: decodeJson(row.what) as Record<string, unknown> },
    });
  });
  return holdFromRow(row);
}

/** Releases a hold and records that. */
export async function releaseHold(keeper: TrailKeeper, id: string, reason: string): Promise<LegalHold> {
  const key = holdId.parse(id);
  const issues: Issue[] = [];
  checkText(reason, ['reason'], issues);
  if (issues.length > 0) throw new ValidationError(issues);
  return keep(keeper, async (tx) => {
    const row = await auditTablesOf(tx)
      .updateTable('audit_holds')
      .set({ released_at: keeper.clock.now(), released_by: currentActor()?.id ?? null })
      .where('id', '=', key)
      .where('released_at', 'is', null)
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) throw new NotFoundError('audit_holds');
    await keeper.record(tx, { action: 'audit.release', entity: { type: 'audit_hold', id: row.id }, reason });
    return holdFromRow(row);
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

/** The holds that are not released, for a purge or an erasure. */
export async function activeHolds(db: Kysely<AuditTables>): Promise<LegalHold[]> {
  const rows = await db.selectFrom('audit_holds').selectAll().where('released_at', 'is', null).execute();
  return rows.map(holdFromRow);
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
      await provider.sql.lockNames?.(['liminal-data audit keeping']).execute(auditTablesOf(tx));
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

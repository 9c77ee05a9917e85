import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import type { Filter } from '../query/filter.ts';
import { auditColumns, type AuditEntries } from './audit-entries.ts';
import { checkText } from './check-text.ts';
import { filtersOfPerson, type PersonOptions } from './audit-person.ts';
import { auditTablesOf, type AuditLogsTable } from './audit-tables.ts';
import type { ChainRow } from './chain-row.ts';
import { refuseTampered } from './check-purgeable.ts';
import { eraseAction } from './erasures.ts';
import { isListed } from './is-listed.ts';
import { activeHolds, keep, refuseHeld } from './legal-hold.ts';
import { withMaintenance } from './maintenance.ts';
import { isLasting } from './recorded-holds.ts';
import { rangesOf } from './seq-ranges.ts';
import type { TrailKeeper } from './trail-keeper.ts';

/** What is erased of a person, and why. */
export interface EraseOptions extends PersonOptions {
  /** Why, such as the number of the request. It stays in the trail: it must not tell of the person. */
  readonly reason: string;
  /** Ends the work between two transactions; what was erased stays so. */
  readonly signal?: AbortSignal | undefined;
  /** Is told after each transaction how many entries were erased so far. */
  readonly onProgress?: ((erased: number) => void) | undefined;
}

/** What an erasure did. */
export interface EraseReport {
  /** How many entries have no content any more that had one. */
  readonly erased: number;
}

/** How many entries one transaction erases. */
const portion = 500;

/** Erases the contents of what was recorded by and about a person, and records that it did. */
export async function erasePerson(
  keeper: TrailKeeper,
  entries: AuditEntries,
  personId: string,
  options: EraseOptions,
): Promise<EraseReport> {
  const { reason, signal, onProgress } = options;
  const issues: Issue[] = [];
  checkText(reason, ['reason'], issues);
  if (issues.length > 0) throw new ValidationError(issues);
  const { by, about } = filtersOfPerson(personId, options);
  const wanted = [by, ...about].map((filter) => ({ and: [filter, erasable] }));
  // Before anything is erased; and again in each transaction, for what is placed meanwhile.
  const holds = await activeHolds(keeper, entries, undefined);
  await refuseHeld('erasure', { entries, wanted: { or: wanted }, holds, on: undefined });
  let erased = 0;
  for (const filter of wanted) {
    for (let after: number | undefined; ;) {
      signal?.throwIfAborted();
      const done = await erasePortion(keeper, entries, { personId, reason, filter, after, signal });
      erased += done.erased;
      after = done.last;
      if (done.erased > 0) onProgress?.(erased);
      if (done.erased < portion) break;
    }
  }
  return { erased };
}

const erasable: Filter<AuditLogsTable> = { content: { isNull: false }, not: isLasting };

interface Portion {
  readonly personId: string;
  readonly reason: string;
  readonly filter: Filter<AuditLogsTable>;
  /** Nothing of the filter was recorded before this time and has a content still. */
  readonly after: number | undefined;
  readonly signal: AbortSignal | undefined;
}

function erasePortion(
  keeper: TrailKeeper,
  entries: AuditEntries,
  { personId, reason, filter, after, signal }: Portion,
): Promise<EraseReport & { readonly last: number | undefined }> {
  return keep(
    keeper,
    async (tx) => {
      const db = auditTablesOf(tx);
      const rest = after === undefined ? filter : { and: [filter, { recorded_at: { gte: after } }] };
      const rows: ChainRow[] = await entries.findMany(rest, {
        select: auditColumns,
        orderBy: 'recorded_at',
        limit: portion,
        on: db,
      });
      if (rows.length === 0) return { erased: 0, last: after };
      const ids = rows.map(({ id }) => id);
      await refuseHeld('erasure', {
        entries,
        wanted: { id: { in: ids } },
        holds: await activeHolds(keeper, entries, db),
        on: db,
      });
      for (const chain of Map.groupBy(rows, ({ stream }) => stream).values()) {
        const [first, ...others] = chain.toSorted((one, other) => one.seq - other.seq);
        await refuseTampered(keeper.keys, entries, [first!, ...others], db);
      }
      await withMaintenance(tx, () =>
        db
          .updateTable('audit_logs')
          .set({ content: null })
          .where(isListed(keeper.provider.sql, 'id', 'uuid', ids))
          .execute(),
      );
      await keeper.record(tx, {
        action: eraseAction,
        entity: { type: 'person', id: personId },
        reason,
        metadata: { erased: rangesOf(rows) },
      });
      return { erased: rows.length, last: rows.at(-1)?.recorded_at };
    },
    signal,
  );
}

import { NotFoundError } from '../foundation/errors/entity-errors.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import type { Page } from '../domain/page.ts';
import type { ReadRepository } from '../repository/read-repository.ts';
import type { AuditEntry } from './audit-entry.ts';
import { auditEntriesOf, type AuditReadProvider } from './audit-entries.ts';
import type { FieldChange } from './audit-event.ts';
import { readAuditFilter, type AuditFilter } from './audit-filter.ts';
import { checkText } from './check-text.ts';
import type { AuditTables } from './audit-tables.ts';
import { compareStates, rebuildVersions, type EntityVersion } from './entity-versions.ts';
import { exportLines, type AuditExportFormat } from './export-lines.ts';
import type { LegalHold } from './hold.ts';
import { listHolds } from './legal-hold.ts';
import { orderEntries } from './order-entries.ts';

/** Which page of the trail comes. */
export interface TrailPageOptions {
  /** The most entries that come, from 0 to 1,000; 50 by default. */
  readonly limit?: number;
  /** Whether the newest entries come first, which is the default, or the oldest. By their time, and not by their chain. */
  readonly order?: 'newest' | 'oldest';
  /** A cursor: the page begins behind it. Not together with `before`. */
  readonly after?: string | undefined;
  /** A cursor: the page ends ahead of it. Not together with `after`. */
  readonly before?: string | undefined;
}

/** Two versions of an entity, and how they differ. */
export interface EntityDifference {
  /** The earlier of the two, as it was asked for. */
  readonly from: EntityVersion;
  /** The later of the two, as it was asked for. */
  readonly to: EntityVersion;
  /** The fields that differ, by name. */
  readonly changes: readonly FieldChange[];
}

/**
 * Reads the audit trail. It needs no keys and writes nothing, so that it also works on a replica; whether what it
 * reads is genuine is for `AuditLog.verify` to say. It does not record that somebody read: `AuditLog` does.
 *
 * @example
 * const reader = new AuditReader(provider);
 * const { items } = await reader.trail({ entity: { type: 'user', id: user.id } }, { limit: 20 });
 */
export class AuditReader {
  readonly #provider: AuditReadProvider;
  readonly #entries: ReadRepository<AuditTables, 'audit_logs', AuditEntry>;

  /** @param provider the database that the trail is in */
  constructor(provider: AuditReadProvider) {
    this.#provider = provider;
    this.#entries = auditEntriesOf(provider);
  }

  /**
   * Reads one page of the trail, by keyset: entries that come meanwhile neither repeat nor hide others. An index
   * serves every member of the filter but `text`, `requestId` and `traceId`.
   *
   * @param filter which entries; all that is said must hold
   * @param page how many, in which order, and from where
   * @returns the entries, and cursors where more lies beyond; keep filter and order the same with them
   * @throws ValidationError with every fault of the filter and the page; the errors of any statement
   * @example
   * const newest = await reader.trail({ actor: adminId, action: 'delete', from: monday });
   * const older = await reader.trail({ actor: adminId, action: 'delete', from: monday }, { after: newest.nextCursor });
   */
  async trail(filter: AuditFilter = {}, page: TrailPageOptions = {}): Promise<Page<AuditEntry>> {
    const { order = 'newest', ...rest } = page;
    if (order !== 'newest' && order !== 'oldest') {
      throw new ValidationError([{ path: ['order'], message: 'must be newest or oldest' }]);
    }
    const orderBy = order === 'newest' ? 'recorded_at desc' : 'recorded_at';
    return this.#entries.page(readAuditFilter(filter), { ...rest, orderBy });
  }

  /**
   * Reads any number of entries, the oldest first, a chunk a statement.
   *
   * @param filter which entries
   * @returns the entries; end the loop early to stop reading
   * @throws ValidationError at once, with every fault of the filter; the errors of any statement in the loop
   * @example
   * for await (const entry of reader.entries({ tenant: 'acme', from: year })) count(entry);
   */
  entries(filter: AuditFilter = {}): AsyncIterableIterator<AuditEntry> {
    return this.#entries.stream(readAuditFilter(filter), { orderBy: 'recorded_at' });
  }

  /**
   * Tells what became of one entity: each of its entries, and the entity as it was after it. It holds all of them in
   * memory.
   *
   * @param entityType such as `user`
   * @param entityId the entity's id
   * @returns the versions in the order of their chain; none where the trail has nothing of it
   * @throws ValidationError where type or id is no text; the errors of any statement
   * @example
   * for (const { entry, state } of await reader.history('user', user.id)) show(entry.recordedAt, state);
   */
  async history(entityType: string, entityId: string): Promise<EntityVersion[]> {
    const issues: Issue[] = [];
    checkText(entityType, ['entityType'], issues);
    checkText(entityId, ['entityId'], issues);
    if (issues.length > 0) throw new ValidationError(issues);
    const entries: AuditEntry[] = [];
    for await (const entry of this.entries({ entity: { type: entityType, id: entityId } }))
      entries.push(entry);
    return rebuildVersions(orderEntries(entries));
  }

  /**
   * Tells how an entity differs after one entry and after another.
   *
   * @param from the id of an entry
   * @param to the id of another entry of the same entity
   * @returns both versions, and the fields that differ: `old` as of `from`, `new` as of `to`
   * @throws NotFoundError where the trail has no such entry; ValidationError where an id is none, or the two are not
   *   of one entity; the errors of any statement
   * @example
   * const { changes } = await reader.diff(first.id, last.id);
   */
  async diff(from: string, to: string): Promise<EntityDifference> {
    const found = await this.#entries.findMany({ id: { in: [from, to] } });
    if (found.length < new Set([from, to]).size) throw new NotFoundError('audit_logs');
    const [{ entity }, other] = [found[0]!, found.at(-1)!];
    if (entity?.id === undefined || other.entity?.type !== entity.type || other.entity.id !== entity.id) {
      throw new ValidationError([
        { path: ['to'], message: 'must be an entry of the same entity as the first one' },
      ]);
    }
    const versions = await this.history(entity.type, entity.id);
    const versionAt = (id: string): EntityVersion => {
      const version = versions.find(({ entry }) => entry.id === id.toLowerCase());
      if (version === undefined) throw new NotFoundError('audit_logs');
      return version;
    };
    const [one, two] = [versionAt(from), versionAt(to)];
    return { from: one, to: two, changes: compareStates(one.state, two.state) };
  }

  /**
   * Lists the legal holds.
   *
   * @returns all of them, those that were released last, each part from the newest
   * @throws the errors of any statement
   */
  holds(): Promise<LegalHold[]> {
    return listHolds(this.#provider);
  }

  /**
   * Writes entries as text for others, the oldest first, with memory for one chunk of them. Give it an end (`to`) where
   * the file is to be the same whenever it is made.
   *
   * @param filter which entries
   * @param format `jsonl`: one JSON object a line; `csv`: for spreadsheets, safe against formulas. `jsonl` by default
   * @returns one line at a time, with its end
   * @throws ValidationError at once, with every fault of the filter and the format; the errors of any statement in the
   *   loop
   * @example
   * await pipeline(reader.export({ from: year, to: nextYear }, 'csv'), createWriteStream('audit.csv'));
   */
  export(filter: AuditFilter = {}, format: AuditExportFormat = 'jsonl'): AsyncIterableIterator<string> {
    return exportLines(this.entries(filter), format);
  }
}

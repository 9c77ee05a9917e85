import type { Kysely } from 'kysely';
import type { Clock } from '../foundation/clock.ts';
import type { MacKeys } from '../foundation/mac-keys.ts';
import { auditEntriesOf, type AuditEntries } from './audit-entries.ts';
import type { AuditEvent } from './audit-event.ts';
import { saidOf, type AuditFilter } from './audit-filter.ts';
import { filtersOfPerson, type PersonOptions } from './audit-person.ts';
import type { AuditProvider } from './audit-provider.ts';
import { AuditReader } from './audit-reader.ts';
import { erasePerson, type EraseOptions, type EraseReport } from './erase-person.ts';
import type { AuditExportFormat } from './export-lines.ts';
import type { HoldScope, LegalHold } from './hold.ts';
import { placeHold, releaseHold } from './legal-hold.ts';
import { purgeTrail, type PurgeOptions, type PurgeReport } from './purge-trail.ts';
import { readSubject, writeSubject } from './subject-report.ts';
import type { TrailKeeper } from './trail-keeper.ts';

/**
 * What a trail owes to the law: exports, reports on a person, legal holds, erasures and purges. Each of them is itself
 * recorded in the trail. `AuditLog` is one.
 */
export abstract class AuditKeeper extends AuditReader implements TrailKeeper {
  /** The database that the trail is in. */
  readonly provider: AuditProvider;
  readonly #entries: AuditEntries;

  /** @param provider the database that the trail is in */
  constructor(provider: AuditProvider) {
    super(provider);
    this.provider = provider;
    this.#entries = auditEntriesOf(provider);
  }

  /** Make the keyed codes of entries and the signatures of summaries. */
  abstract readonly keys: MacKeys;
  /** Where time comes from. */
  abstract readonly clock: Clock;
  /**
   * Records an event with the commit of a transaction.
   *
   * @param tx the transaction's own handle
   * @param event what happened
   * @throws ValidationError with every fault of the event
   */
  abstract record(tx: Kysely<never>, event: AuditEvent): Promise<void>;

  /**
   * Writes entries as text for others, the oldest first, with memory for one chunk of them, and records that it did
   * (`audit.export`), before the first line.
   *
   * @param filter which entries
   * @param format `jsonl`: one JSON object a line; `csv`: for spreadsheets, safe against formulas. `jsonl` by default
   * @returns one line at a time, with its end
   * @throws ValidationError at once, with every fault of the filter and the format; the errors of any statement in the
   *   loop
   * @example
   * await pipeline(log.export({ from: year, to: nextYear }, 'csv'), createWriteStream('audit.csv'));
   */
  override export(
    filter: AuditFilter = {},
    format: AuditExportFormat = 'jsonl',
  ): AsyncIterableIterator<string> {
    const lines = super.export(filter, format);
    // A text that was looked for may be somebody's name, and would outlive that person's erasure.
    const said = { ...saidOf(filter), ...(filter.text !== undefined && { text: true }) };
    return this.#recorded({ action: 'audit.export', metadata: { filter: said, format } }, lines);
  }

  /**
   * Reports all that was recorded by and about a person, as JSON Lines, the oldest first, each entry once: what the
   * person did, and what was done to what bears the person's id. It records that it did (`audit.report`), before the
   * first line.
   *
   * @param personId the id of the person, as it is in the trail
   * @param options further entities that belong to the person
   * @returns one line at a time, with its end: a JSON object, an entry with its `relations`, `by` or `about` or both
   * @throws ValidationError at once, where an id is no text; the errors of any statement in the loop
   * @example
   * await pipeline(log.subjectReport(user.id), createWriteStream('report.jsonl'));
   */
  subjectReport(personId: string, options: PersonOptions = {}): AsyncIterableIterator<string> {
    const lines = writeSubject(readSubject(this.#entries, filtersOfPerson(personId, options)));
    return this.#recorded({ action: 'audit.report', entity: { type: 'person', id: personId } }, lines);
  }

  /**
   * Places a legal hold: what it keeps is neither purged nor erased until it is released. Recorded as `audit.hold`.
   *
   * @param what an actor, an entity or its type, a tenant, a stream, or several of these, all of which must hold of an
   *   entry; `{}` keeps the whole trail. What is recorded later is kept as well
   * @param reason why, such as the name of a case
   * @returns the hold
   * @throws ValidationError with every fault; the errors of any statement
   * @example
   * const { id } = await log.hold({ entity: { type: 'user', id: user.id } }, 'case 4711');
   */
  hold(what: HoldScope, reason: string): Promise<LegalHold> {
    return placeHold(this, what, reason);
  }

  /**
   * Releases a legal hold. It stays in the list of holds. Recorded as `audit.release`.
   *
   * @param id of the hold
   * @param reason why it may end
   * @returns the hold
   * @throws NotFoundError where no such hold holds any more; ValidationError where id or reason is none; the errors of
   *   any statement
   */
  release(id: string, reason: string): Promise<LegalHold> {
    return releaseHold(this, this.#entries, id, reason);
  }

  /**
   * Erases the contents (changes, reason, metadata) of all that was recorded by and about a person. What stays is who
   * did what to which id and when, and the keyed code of each content, so that the chain verifies, and that a copy of
   * the content can still be proved. Recorded as `audit.erase`, which explains the erased entries to `verify`. What
   * proves erasures and holds stays, and each entry is checked before its content goes.
   *
   * Ids stay: they must say nothing by themselves. It works in portions: where it ends early, run it again.
   *
   * @param personId the id of the person, as it is in the trail
   * @param options why, and further entities that belong to the person
   * @returns how many entries were erased
   * @throws LegalHoldError where a hold keeps one of them; AuditTamperedError where an entry is not what was recorded;
   *   ValidationError with every fault; the signal's reason; the errors of any statement
   * @example
   * await log.erase(user.id, { reason: 'request 2026-0815', also: keys.map(({ id }) => ({ type: 'api-key', id })) });
   */
  erase(personId: string, options: EraseOptions): Promise<EraseReport> {
    return erasePerson(this, this.#entries, personId, options);
  }

  /**
   * Deletes old entries, and leaves a signed summary of each run of them, by which the chain still verifies. The newest
   * entry of each chain stays whatever its age, and so does every `audit.erase`, `audit.hold` and `audit.release`. Each entry is checked before it goes:
   * a purge is no way to be rid of what was tampered with. Recorded as `audit.purge`.
   *
   * It works in portions, each a transaction: where it ends early, what is done is done, and the next one goes on.
   *
   * @param options from which age on, and of what
   * @returns how many entries are gone, and how many summaries stand for them
   * @throws LegalHoldError where a hold keeps one of them, unless `held` is `keep`; AuditTamperedError where an entry is
   *   not what was recorded; ValidationError with every fault; the signal's reason; the errors of any statement
   * @example
   * await log.purge({ olderThan: 400 * 24 * 60 * 60 * 1_000, exceptEntityTypes: ['api-key'] });
   */
  purge(options: PurgeOptions): Promise<PurgeReport> {
    return purgeTrail(this, this.#entries, options);
  }

  async *#recorded(event: AuditEvent, lines: AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
    await this.provider.transaction((tx) => this.record(tx as Kysely<never>, event), { retry: true });
    yield* lines;
  }
}

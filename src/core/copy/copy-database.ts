import type { TransferCell } from '../engine/transfer-table.ts';
import type { TransferNote, TransferSource, TransferTarget } from '../engine/transfer-traits.ts';
import { systemClock, type Clock } from '../foundation/clock.ts';
import { BadRowsError, CopyDiffersError, CopyRefusedError } from '../foundation/errors/copy-errors.ts';
import { loadCrypto } from '../foundation/node-crypto.ts';
import { BadRowCounts, keepValues, noteOf } from './bad-row.ts';
import type { CopiedTable } from './copied-table.ts';
import { checkCopyOptions } from './check-copy-options.ts';
import { findCopiedTables } from './find-copied-tables.ts';
import { findTakenTables } from './find-taken-tables.ts';
import type { CopyOptions, CopyReport } from './copy-options.ts';
import { CopyPace } from './copy-pace.ts';
import { sideOf, type CopyProvider, type CopySide } from './copy-provider.ts';
import { isNoted, noteSnapshot, noteTable, snapshotIn, stateIn } from './copy-record.ts';
import { copyTable } from './copy-table.ts';
import { readQuarantine, toBadRow } from './quarantine.ts';
import { copyStandingRecords } from './standing-records.ts';
import { compareMoments, momentOf, settled, type SeeMoment } from './verify-copy.ts';

/**
 * Copies all rows of a database into another one of any engine: SQLite into Postgres, Postgres into SQLite, or between
 * two of a kind. Both are at the same migrations, and the target is empty. Nobody else may write to the target.
 *
 * It reads one snapshot of the source, which goes on being used; what changes there behind the snapshot is not copied,
 * and the report names the tables. A copy that is broken off, be it by a kill or a lost server, goes on with `resume`.
 * Foreign keys and triggers of the target are set aside meanwhile and put back at the end, keys go on behind the last
 * one, and search indexes are rebuilt. Standing sequences, and search tables that hold rows of their own, are not copied.
 *
 * @param from the source, which is only read
 * @param to the target
 * @param options what is done about rows that do not fit, and how it reports
 * @returns what was copied, and which tables of the source have changed since
 * @throws ValidationError where an option is none
 * @throws CopyRefusedError where the two do not fit each other, or the target is not empty; nothing was written then
 * @throws BadRowsError where rows do not fit and `badRows` is `stop`; the target is empty again then
 * @throws CopyDiffersError where the proof at the end fails
 * @throws the signal's reason, and what either database throws: `resume` goes on from there
 * @example
 * const report = await copyDatabase(sqlite, postgres, { migrate: (to) => migrateToLatest(postgres, sets) });
 * console.log(report.rows, report.changed);
 */
export async function copyDatabase(
  from: CopyProvider,
  to: CopyProvider,
  options: CopyOptions = {},
): Promise<CopyReport> {
  checkCopyOptions(options);
  const { clock = systemClock } = options;
  const start = clock.monotonic();
  const { tables, isFresh } = await findCopiedTables(sideOf(from), sideOf(to), options);
  const target = await sideOf(to).traits.openTarget();
  try {
    const report = await new DatabaseCopy(from, to, tables, target, options).run(isFresh);
    return { ...report, duration: clock.monotonic() - start };
  } finally {
    await target.close();
  }
}

/** One run of a copy. */
class DatabaseCopy {
  readonly #from: CopySide;
  readonly #to: CopySide;
  readonly #tables: readonly CopiedTable[];
  readonly #target: TransferTarget;
  readonly #options: CopyOptions;
  readonly #clock: Clock;

  constructor(
    from: CopyProvider,
    to: CopyProvider,
    tables: readonly CopiedTable[],
    target: TransferTarget,
    options: CopyOptions,
  ) {
    this.#from = sideOf(from);
    this.#to = sideOf(to);
    this.#tables = tables;
    this.#target = target;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** @param isFresh whether the target was migrated just now: what rows it has its migrations have made */
  async run(isFresh: boolean): Promise<Omit<CopyReport, 'duration'>> {
    const { id, isResumed } = await this.#begin(isFresh);
    CopyPace.begin('snapshot', 0, this.#clock, (progress) => this.#options.onProgress?.(progress));
    const source = await this.#from.traits.openSource(id);
    let isDone = false;
    try {
      const copiedAnew = isResumed && !source.isKept ? await this.#dropStale(source) : [];
      await this.#copyRows(source);
      await this.#takeOrphans();
      const quarantined = await this.#tellBadRows();
      const changed = this.#options.verify === false ? undefined : await this.#prove(source);
      // Fails where another run has taken over meanwhile: its snapshot is this one.
      await this.#empty([]);
      const keys = await source.lastKeys();
      await this.#seeSnapshot(source)((snapshot) =>
        copyStandingRecords(snapshot, this.#from.traits, this.#to.db),
      );
      // Were the snapshot removed behind the records, a kill between the two would leave it lying about.
      isDone = true;
      await source.close(true);
      const tables = await this.#count(quarantined);
      await this.#target.finish(keys);
      const sum = (part: 'rows' | 'quarantined') => tables.reduce((total, table) => total + table[part], 0);
      return {
        tables,
        rows: sum('rows'),
        quarantined: sum('quarantined'),
        resumed: isResumed,
        copiedAnew,
        changed,
      };
    } catch (error) {
      if (!isDone) await source.close(error instanceof BadRowsError);
      throw error;
    }
  }

  /** Finds the copy that is under way, or notes that one begins. */
  async #begin(isFresh: boolean): Promise<{ id: string; isResumed: boolean }> {
    const { resume = false } = this.#options;
    const found = snapshotIn(await this.#target.readNotes());
    if (found !== undefined && resume) {
      await this.#target.takeOver();
      const notes = await this.#target.readNotes();
      // It ended before the tables were emptied: what they hold their migrations have made.
      if (!this.#tables.every(({ name }) => isNoted(notes, name))) await this.#empty(this.#tables);
      return { id: found, isResumed: true };
    }
    if (found !== undefined) {
      throw new CopyRefusedError([
        'A copy into the target was broken off. Go on with it by resume, or make the target anew.',
      ]);
    }
    const taken = isFresh ? [] : await findTakenTables(this.#to, this.#tables);
    if (taken.length > 0) {
      throw new CopyRefusedError([`The target has rows already: ${taken.join(', ')}.`]);
    }
    const id = loadCrypto().randomBytes(12).toString('hex');
    await this.#target.setAside(
      this.#tables.map((table) => table.to),
      [noteSnapshot(id)],
    );
    await this.#empty(this.#tables);
    return { id, isResumed: false };
  }

  /**
   * Another snapshot may hold something else than the one that was lost. What of the tables is as in this one stays.
   *
   * @returns the tables that were emptied
   */
  async #dropStale(source: TransferSource): Promise<readonly string[]> {
    const notes = await this.#target.readNotes();
    // A table that was done without a row is one of them: it may have rows by now.
    const begun = this.#tables.filter(({ name }) => {
      const { rows, isDone } = stateIn(notes, name);
      return rows > 0 || isDone;
    });
    const { tables } = await this.#compare(begun, this.#seeSnapshot(source));
    // What their rows refer to may be there by now.
    const orphaned = new Set<string>();
    for await (const { table, reason } of readQuarantine(this.#to)) {
      if (reason === 'broken-reference') orphaned.add(table);
    }
    const stale = begun.filter(
      ({ name }) =>
        !stateIn(notes, name).isDone ||
        orphaned.has(name) ||
        !tables.some(({ table, isEqual }) => table === name && isEqual),
    );
    await this.#empty(stale);
    return stale.map(({ name }) => name);
  }

  async #empty(tables: readonly CopiedTable[]): Promise<void> {
    await this.#target.empty(
      tables.map(({ name }) => name),
      tables.map(({ name }) => noteTable(name, { rows: 0, isDone: false })),
    );
  }

  async #copyRows(source: TransferSource): Promise<void> {
    const notes = await this.#target.readNotes();
    let total = 0;
    for (const { name } of this.#tables) total += await source.count(name);
    const { onProgress = () => {}, signal } = this.#options;
    const pace = CopyPace.begin('copy', total, this.#clock, onProgress);
    for (const table of this.#tables) {
      const { rows, isDone } = stateIn(notes, table.name);
      pace.skip(rows);
      if (isDone) continue;
      await copyTable(table, rows, {
        source,
        target: this.#target,
        limits: this.#to.traits,
        signal,
        onPortion: (count) => pace.note(table.name, count),
      });
    }
  }

  /** A row in quarantine leaves those behind that refer to it, so it goes on until all refer to something. */
  async #takeOrphans(): Promise<void> {
    const { onProgress = () => {} } = this.#options;
    const known = new Set(this.#tables.map(({ name }) => name));
    const pace = CopyPace.begin('check', 0, this.#clock, onProgress);
    for (let found = 1; found > 0;) {
      found = 0;
      for (const { name, to } of this.#tables) {
        for (const reference of to.references.filter(({ parent }) => known.has(parent))) {
          pace.note(name, 0);
          const note = (row: Readonly<Record<string, TransferCell>>): TransferNote =>
            noteOf(
              {
                table: name,
                columns: reference.columns,
                reason: 'broken-reference',
                ...keepValues(
                  to.columns,
                  to.columns.map((column) => row[column.name] ?? null),
                ),
              },
              undefined,
            );
          found += await this.#target.takeOrphans(to, reference, note);
        }
      }
    }
  }

  /** @returns how many rows of each table are in quarantine; where they may not be, all of it is taken back */
  async #tellBadRows(): Promise<ReadonlyMap<string, number>> {
    const quarantined = new Map<string, number>();
    const counts = new BadRowCounts();
    const { onBadRow = () => {}, badRows = 'stop' } = this.#options;
    const shapes = this.#tables.map(({ to }) => to);
    for await (const row of readQuarantine(this.#to)) {
      quarantined.set(row.table, (quarantined.get(row.table) ?? 0) + 1);
      counts.add(row);
      await onBadRow(toBadRow(row, shapes));
    }
    if (quarantined.size === 0 || badRows === 'quarantine') return quarantined;
    await this.#empty(this.#tables);
    await this.#target.finish([]);
    throw new BadRowsError(counts.list());
  }

  /**
   * Holds the target against the source as it is now: where they are equal, both that the copy is right and that the
   * source has not changed is proved. Only of the tables that differ the snapshot is read as well.
   *
   * @returns the tables that have changed in the source
   */
  async #prove(source: TransferSource): Promise<readonly string[]> {
    const now = await this.#compare(this.#tables, momentOf(this.#from));
    const differing = now.tables.filter(({ isEqual }) => !isEqual).map(({ table }) => table);
    if (differing.length === 0) return [];
    const doubtful = this.#tables.filter(({ name }) => differing.includes(name));
    const then = await this.#compare(doubtful, this.#seeSnapshot(source));
    if (then.isEqual) return differing;
    const wrong = then.tables.filter(({ isEqual }) => !isEqual).map(({ table }) => table);
    // So that the next run copies them anew.
    await this.#empty(this.#tables.filter(({ name }) => wrong.includes(name)));
    throw new CopyDiffersError(wrong);
  }

  #compare(tables: readonly CopiedTable[], see: SeeMoment): ReturnType<typeof compareMoments> {
    const { onProgress = () => {}, signal } = this.#options;
    return compareMoments(tables, see, this.#to, {
      onProgress,
      signal,
      clock: this.#clock,
    });
  }

  #seeSnapshot(source: TransferSource): SeeMoment {
    return settled(this.#from, (work) => source.look(this.#from.db, (db) => work(db as CopySide['db'])));
  }

  async #count(quarantined: ReadonlyMap<string, number>): Promise<CopyReport['tables']> {
    const notes = await this.#target.readNotes();
    return this.#tables.map(({ name }) => {
      const bad = quarantined.get(name) ?? 0;
      return { table: name, rows: stateIn(notes, name).rows - bad, quarantined: bad };
    });
  }
}

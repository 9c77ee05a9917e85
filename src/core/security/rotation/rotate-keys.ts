import type { CompiledQuery } from 'kysely';
import { decorrelatedJitter } from '../../foundation/backoff.ts';
import { CommitOutcomeUnknownError } from '../../foundation/errors/connection-errors.ts';
import { UniqueViolationError } from '../../foundation/errors/constraint-errors.ts';
import { LiminalDataError } from '../../foundation/errors/liminal-data-error.ts';
import type { TableEncryption } from '../../foundation/table-encryption.ts';
import { within } from '../../foundation/within.ts';
import { RowCipher } from '../columns/row-cipher.ts';
import { FieldCipher } from '../field-cipher.ts';
import { countRows, isStale, nextRows, swapCiphertexts, type EncryptedRow } from './encrypted-rows.ts';
import {
  planRotation,
  type RotateKeysOptions,
  type RotationPlan,
  type RotationProgress,
  type RotationProvider,
} from './rotation-options.ts';
import { sealAnew } from './seal-anew.ts';

/** What a rotation did in each table: its last progress. */
export type RotationReport = readonly RotationProgress[];

/** How often a batch is tried before its error is told. */
const mostAttempts = 20;
/** How often a table is walked through: only writers whose active key is another one make so many needed. */
const mostPasses = 10;

/**
 * Seals everything anew with the active key of the ring, and makes the blind indexes anew, while others read and
 * write. Every row is readable at every moment by whoever has both keys.
 *
 * It walks along the primary key of each table, a batch a transaction. Each row is changed only where its
 * ciphertext is still the one that was read, so that it never undoes somebody's write. It remembers nothing beside
 * the rows: after `kill -9`, call it again. Several at once are in nobody's way. It walks through a table again
 * until it finds nothing that is left, ten times at most: where processes still write with an older active key,
 * something stays, and `keyStatus` tells how much.
 *
 * A value that does not open is left as it is and counted as unreadable, and so is a row whose new blind index another
 * row has already, where the index is unique, and counted as taken. Do not call it inside of a transaction.
 *
 * @param provider whose rows are rotated; `DatabaseProvider` fits
 * @param options the ring, the tables, and how gently
 * @returns for each table what was done
 * @throws ValidationError with every fault of the options
 * @throws UnknownKeyError where a row names a key that the ring does not have; what was done stays, and nothing is lost
 * @throws KeyExhaustedError where the active key has sealed as much as it may
 * @throws the signal's reason where it fired; or the error of a batch that did not pass
 * @example
 * const ring = KeyRing.fromEnv(); // the new key first, the old one behind it
 * await rotateKeys(provider, { ring, tables: [usersEncryption] });
 */
export async function rotateKeys<DB>(
  provider: RotationProvider<DB>,
  options: RotateKeysOptions,
): Promise<RotationReport> {
  const plan = planRotation(options);
  // One for all tables, so that it counts what the key has sealed in all of them.
  const cipher = new FieldCipher(plan.ring);
  const report: RotationProgress[] = [];
  for (const encryption of plan.tables) {
    plan.signal?.throwIfAborted();
    const walk = new TableWalk(provider, plan, new RowCipher(encryption, plan.ring, cipher));
    report.push(await walk.run());
  }
  return report;
}

/** The way through one table. */
class TableWalk<DB> {
  readonly #provider: RotationProvider<DB>;
  readonly #plan: RotationPlan;
  readonly #cipher: RowCipher;
  readonly #encryption: TableEncryption;
  #progress: RotationProgress;

  constructor(provider: RotationProvider<DB>, plan: RotationPlan, cipher: RowCipher) {
    this.#provider = provider;
    this.#plan = plan;
    this.#cipher = cipher;
    this.#encryption = cipher.encryption;
    const { table } = cipher.encryption;
    this.#progress = { table, total: 0, rotated: 0, overtaken: 0, unreadable: 0, taken: 0, pass: 1 };
  }

  async run(): Promise<RotationProgress> {
    const { table } = this.#encryption;
    const { rows } = await countRows(table, this.#isStale()).execute(this.#provider.db);
    this.#progress = { ...this.#progress, total: Number(rows[0]?.rows ?? 0) };
    for (let pass = 1; pass <= mostPasses; pass += 1) {
      const { rotated, overtaken } = this.#progress;
      // Counted anew: what stays as it is is met again in each pass.
      this.#progress = { ...this.#progress, pass, unreadable: 0, taken: 0 };
      await this.#walkThrough();
      if (this.#progress.rotated === rotated && this.#progress.overtaken === overtaken) break;
    }
    return this.#progress;
  }

  async #walkThrough(): Promise<void> {
    const { batchSize, throttle, clock, signal, onProgress } = this.#plan;
    let behind: EncryptedRow | undefined;
    for (;;) {
      signal?.throwIfAborted();
      const { rows } = await nextRows(this.#encryption, {
        behind,
        limit: batchSize,
        where: this.#isStale(),
      }).execute(this.#provider.db);
      behind = rows.at(-1);
      if (behind === undefined) return;
      await this.#rotate(rows);
      onProgress(this.#progress);
      if (rows.length < batchSize) return;
      // Also where it is 0: on SQLite a batch runs on this thread, and everybody else waits for it.
      await within(clock, throttle, new Promise<never>(() => {}), signal);
    }
  }

  async #rotate(rows: readonly EncryptedRow[]): Promise<void> {
    const outcomes = rows.map((row) => ({ row, ...sealAnew(row, this.#cipher, this.#plan.ring) }));
    const swaps = outcomes
      .filter(({ changes }) => Object.keys(changes).length > 0)
      .map(({ row, changes }) => swapCiphertexts(this.#encryption, row, changes).compile(this.#provider.db));
    const results = await this.#swap(swaps);
    const rotated = results.filter((result) => result !== 'taken' && result.length > 0).length;
    const taken = results.filter((result) => result === 'taken').length;
    const unreadable = outcomes.reduce((sum, outcome) => sum + outcome.unreadable, 0);
    this.#progress = {
      ...this.#progress,
      rotated: this.#progress.rotated + rotated,
      overtaken: this.#progress.overtaken + swaps.length - rotated - taken,
      unreadable: this.#progress.unreadable + unreadable,
      taken: this.#progress.taken + taken,
    };
  }

  /** One row whose index is taken must not hold up the others: then each half goes by itself. */
  async #swap(swaps: readonly CompiledQuery[]): Promise<readonly (readonly unknown[] | 'taken')[]> {
    try {
      return await this.#patiently(() => this.#provider.batch(swaps));
    } catch (error) {
      if (!(error instanceof UniqueViolationError)) throw error;
    }
    if (swaps.length === 1) return ['taken'];
    const middle = swaps.length >> 1;
    return [...(await this.#swap(swaps.slice(0, middle))), ...(await this.#swap(swaps.slice(middle)))];
  }

  // A commit whose outcome is unknown is no trouble either: what it has swapped counts as overtaken then.
  async #patiently<Result>(work: () => Promise<Result>): Promise<Result> {
    const { clock, signal } = this.#plan;
    const nextDelay = decorrelatedJitter({ base: 20, cap: 2_000 });
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        if (attempt >= mostAttempts || !mayPass(error)) throw error;
        await within(clock, nextDelay(), new Promise<never>(() => {}), signal);
      }
    }
  }

  #isStale() {
    return isStale(this.#encryption, this.#plan.ring.activeId);
  }
}

function mayPass(error: unknown): boolean {
  return error instanceof CommitOutcomeUnknownError || (error instanceof LiminalDataError && error.retryable);
}

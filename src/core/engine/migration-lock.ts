import type { Kysely } from 'kysely';
import type { Clock } from '../foundation/clock.ts';

/** How a run asks for the lock. */
export interface MigrationLockOptions {
  /** Who asks: another one for each run. */
  readonly owner: string;
  /** The longest wait, in ms. */
  readonly timeout: number;
  /** Where time comes from. */
  readonly clock: Clock;
}

/** Who holds the lock of the migrations. */
export interface MigrationLockHolder {
  /** A process and where it runs, in words. */
  readonly description: string;
  /** Whether it is known to be gone. */
  readonly isGone: boolean;
}

/**
 * Keeps a database's migrations apart: of all sets together, since each of them looks at the whole schema. The
 * lock may lie in the transactions of the steps alone.
 */
export interface MigrationLock {
  /**
   * Runs all steps of a run while nobody else migrates, where a session can hold a lock; else it only calls the work.
   *
   * @param connection pinned to one connection, on which all steps run
   * @returns what the work returns
   * @throws DatabaseBusyError where the lock is not granted in time; and whatever the work throws
   */
  holdRun<Result>(
    connection: Kysely<any>,
    options: MigrationLockOptions,
    work: () => Promise<Result>,
  ): Promise<Result>;
  /**
   * Takes the lock for the transaction of one step, which it ends with.
   *
   * @throws DatabaseBusyError at once where another run holds it
   */
  takeStep(trx: Kysely<any>, owner: string): Promise<void>;
  /**
   * Runs a step that has no transaction while nobody else migrates.
   *
   * @throws DatabaseBusyError where the lock is not granted in time
   * @throws ConfigurationError where no lock can be kept without a transaction, such as behind a pooler
   */
  holdAlone<Result>(
    connection: Kysely<any>,
    options: MigrationLockOptions,
    work: () => Promise<Result>,
  ): Promise<Result>;
  /** Finds who holds it; undefined where nobody does. */
  findHolder(connection: Kysely<any>): Promise<MigrationLockHolder | undefined>;
  /** Takes it away from whoever holds it. Whatever that process does then is on its own. */
  break(connection: Kysely<any>): Promise<void>;
}

/** The name of the lock, for engines that lock names. */
export const migrationLockName = 'liminal-data:migrate';

import { LiminalDataError } from './liminal-data-error.ts';

/** A migration failed, or the history does not fit the set. */
export class MigrationError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_MIGRATION',
    retryable: false,
    when: 'A migration failed (its transaction was rolled back), the recorded history does not fit the migration set, or the migration lock was not granted in time.',
    remedy: 'Read `cause`; mend the migration and start it again. Migrations before it stay applied.',
  } as const;

  /** The migration set. */
  readonly set: string;
  /** The migration that failed, where it is one. */
  readonly migration: string | undefined;

  constructor(message: string, set: string, migration?: string, options?: ErrorOptions) {
    super(message, options);
    this.set = set;
    this.migration = migration;
  }
}

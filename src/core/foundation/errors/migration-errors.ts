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

/** The schema, or the code of migrations that have run, is not what was recorded. */
export class IntegrityDriftError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_INTEGRITY_DRIFT',
    retryable: false,
    when: 'A service was not to start on a schema that is not what its migrations left: somebody changed it by hand, a migration was edited after it had run, or the database found something broken in itself.',
    remedy:
      'Read `findings`. Change the schema by a migration and never by hand; where a finding is meant, record it by `liminal-data migrate repair`.',
  } as const;

  /** What was found, a line each. */
  readonly findings: readonly string[];

  constructor(findings: readonly string[]) {
    super(
      `The database is not what its migrations left: ${findings.slice(0, 5).join('; ')}${findings.length > 5 ? `; and ${findings.length - 5} more` : ''}. "liminal-data migrate verify" shows all of it.`,
    );
    this.findings = findings;
  }
}

/** The old and the new column of an expansion do not agree, so the old one was kept. */
export class ColumnsOutOfStepError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_COLUMNS_OUT_OF_STEP',
    retryable: false,
    when: '`t.contractColumn` was to drop an old column, and there are rows whose new column does not say the same. Nothing was dropped.',
    remedy:
      'Run the backfill of the new column to its end, then migrate again. Rows that are there still were written past the triggers, or `forward` and `backward` are not those that the column was expanded with.',
  } as const;

  /** The table. */
  readonly table: string;
  /** The old column. */
  readonly from: string;
  /** The new column. */
  readonly to: string;

  constructor({ table, from, to }: { readonly table: string; readonly from: string; readonly to: string }) {
    super(
      `Column "${from}" of table "${table}" was to be dropped, and there are rows in which "${to}" does not say the same. Nothing was dropped. Run the backfill of "${to}" to its end first.`,
    );
    this.table = table;
    this.from = from;
    this.to = to;
  }
}

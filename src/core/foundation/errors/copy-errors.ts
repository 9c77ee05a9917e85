import { LiminalDataError } from './liminal-data-error.ts';

/** A copy was refused before anything was written. */
export class CopyRefusedError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_COPY_REFUSED',
    retryable: false,
    when: 'A database was to be copied into one that is not at the same migrations, has rows already, or holds a copy that was broken off: nothing was written. Or another run has taken the copy over: nothing was written since.',
    remedy:
      'Read `reasons`. Bring both sides to the same migrations, name an empty target, or go on with a copy that was broken off by `resume`.',
  } as const;

  /** Why, a sentence each. */
  readonly reasons: readonly string[];

  constructor(reasons: readonly string[]) {
    super(`The database was not copied. ${reasons.join(' ')}`);
    this.reasons = reasons;
  }
}

/** What whoever lost the target to another run is told. */
export function otherRunError(): CopyRefusedError {
  return new CopyRefusedError(['Another run copies into the target now.']);
}

/** How many rows did not fit, and why. */
export interface BadRowCount {
  /** The table. */
  readonly table: string;
  /** The columns that are at fault; empty where the whole row is. */
  readonly columns: readonly string[];
  /** What is wrong. */
  readonly reason: string;
  /** How many rows. */
  readonly rows: number;
}

/** Rows of the source do not fit the target. */
export class BadRowsError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_BAD_ROWS',
    retryable: false,
    when: 'Rows of a database that was copied do not fit the target: a NUL in a text, an integer out of range, JSON or a UUID that is none, a reference to nothing. All were looked at, and nothing was kept.',
    remedy:
      'Mend the rows that `counts` tells of (`onBadRow` heard of each of them), or copy with `badRows: "quarantine"`.',
  } as const;

  /** How many, by table, columns and reason. */
  readonly counts: readonly BadRowCount[];

  constructor(counts: readonly BadRowCount[]) {
    const told = counts
      .slice(0, 5)
      .map(({ table, columns, reason, rows }) => `${[table, ...columns].join('.')}: ${rows} ${reason}`);
    const more = counts.length > told.length ? `; and ${counts.length - told.length} more kinds` : '';
    super(
      `Rows do not fit the target, so nothing was kept: ${told.join('; ')}${more}. Mend them, or let them be put into quarantine.`,
    );
    this.counts = counts;
  }
}

/** The proof at the end of a copy has failed. */
export class CopyDiffersError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_COPY_DIFFERS',
    retryable: false,
    when: 'Behind a copy, tables of the target do not hold what the snapshot of the source does: somebody wrote to the target, or the copy is wrong.',
    remedy:
      'See to it that nobody writes to the target, and copy again with `resume`: tables that differ are copied anew.',
  } as const;

  /** The tables that differ. */
  readonly tables: readonly string[];

  constructor(tables: readonly string[]) {
    super(
      `The copy is not what was copied: ${tables.join(', ')} ${tables.length === 1 ? 'differs' : 'differ'} from the snapshot of the source.`,
    );
    this.tables = tables;
  }
}

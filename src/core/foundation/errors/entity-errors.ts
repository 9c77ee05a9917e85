import { LiminalDataError } from './liminal-data-error.ts';

/** There is no such row. */
export class NotFoundError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_NOT_FOUND',
    retryable: false,
    when: 'A `get…`, `update` or `delete` names a row that is not there, or the query of a `firstOrThrow` finds none.',
    remedy: 'Use `find…`, or `first` of a prepared query, where absence is normal.',
  } as const;

  /** The table that was searched; undefined where a query of its own shape was asked. */
  readonly table: string | undefined;

  constructor(table: string | undefined, options?: ErrorOptions) {
    super(
      table === undefined
        ? 'The query that was asked for its first row found none.'
        : `No row of table "${table}" has the key that was asked for.`,
      options,
    );
    this.table = table;
  }
}

/** Somebody else changed the row since it was read. */
export class StaleEntityError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_STALE_ENTITY',
    retryable: false,
    when: 'An update or delete states a version that the row no longer has: somebody else changed it since it was read.',
    remedy: 'Read the entity again, apply the change to it, and write it once more.',
  } as const;

  /** The table of the row. */
  readonly table: string;
  /** The version that the caller had read. */
  readonly expectedVersion: number;
  /** The version that the row has now. */
  readonly actualVersion: number;

  constructor(table: string, expectedVersion: number, actualVersion: number, options?: ErrorOptions) {
    super(
      `The row of table "${table}" was read at version ${expectedVersion} and is at version ${actualVersion} now. Read it again and repeat the change.`,
      options,
    );
    this.table = table;
    this.expectedVersion = expectedVersion;
    this.actualVersion = actualVersion;
  }
}

/** A stored row cannot be turned into its entity. */
export class UnreadableRowError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_UNREADABLE_ROW',
    retryable: false,
    when: 'A stored row holds what its entity does not allow: broken JSON, an unknown status, an id that is none. It is never turned into null or left out.',
    remedy: 'Look at the row that `table`, `key` and `column` name; mend it by a migration.',
  } as const;

  /** The table of the row. */
  readonly table: string;
  /** The key of the row, by column. Keys are ids, not content. */
  readonly key: Readonly<Record<string, unknown>>;
  /** The column that cannot be read, where it is one alone. */
  readonly column: string | undefined;

  constructor(
    table: string,
    key: Readonly<Record<string, unknown>>,
    column: string | undefined,
    options?: ErrorOptions,
  ) {
    const place = column === undefined ? 'a rule of its entity' : `column "${column}"`;
    super(`A row of table "${table}" (${describeKey(key)}) cannot be read: ${place} does not hold.`, options);
    this.table = table;
    this.key = key;
    this.column = column;
  }
}

function describeKey(key: Readonly<Record<string, unknown>>): string {
  return Object.entries(key)
    .map(([column, value]) => `${column} = ${String(value)}`)
    .join(', ');
}

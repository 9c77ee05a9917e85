import { LiminalDataError } from './liminal-data-error.ts';

/** What is known of the constraint that a write broke. SQLite names less than Postgres does. */
export interface ConstraintFields {
  /** The table, where the database names it (SQLite does not for foreign keys). */
  readonly table?: string | undefined;
  /** The constraint's name, where the database tells it (SQLite does for named CHECKs alone). */
  readonly constraint?: string | undefined;
  /** The columns, where the database names them. Empty where it does not. */
  readonly columns?: readonly string[] | undefined;
}

/** A write broke a constraint; the statement had no effect. */
export abstract class ConstraintViolationError extends LiminalDataError {
  /** The table, where the database names it. */
  readonly table: string | undefined;
  /** The constraint's name, where the database tells it. */
  readonly constraint: string | undefined;
  /** The columns, as far as the database names them. */
  readonly columns: readonly string[];

  constructor(rule: string, fields: ConstraintFields, options?: ErrorOptions) {
    const { table, constraint, columns = [] } = fields;
    const place = table === undefined ? '' : ` of table "${table}"`;
    const what =
      columns.length > 0 ? ` (${columns.join(', ')})` : constraint === undefined ? '' : ` (${constraint})`;
    super(`The write breaks ${rule}${place}${what}; nothing was changed.`, options);
    this.table = table;
    this.constraint = constraint;
    this.columns = columns;
  }
}

/** A row with the same unique value is there already. */
export class UniqueViolationError extends ConstraintViolationError {
  static override readonly description = {
    code: 'LIMINAL_UNIQUE_VIOLATION',
    retryable: false,
    when: 'An insert or update would make a second row with the same primary key or unique value.',
    remedy: 'Use another value, or `upsert`. `table` and `columns` say where.',
  } as const;

  constructor(fields: ConstraintFields, options?: ErrorOptions) {
    super('a unique constraint', fields, options);
  }
}

/** A row refers to one that is not there, or is still referred to. */
export class ForeignKeyViolationError extends ConstraintViolationError {
  static override readonly description = {
    code: 'LIMINAL_FOREIGN_KEY_VIOLATION',
    retryable: false,
    when: 'A row refers to one that does not exist, or a row that others refer to would go. SQLite does not name the constraint.',
    remedy: 'Write the parent first, or delete the children first.',
  } as const;

  constructor(fields: ConstraintFields, options?: ErrorOptions) {
    super('a foreign key', fields, options);
  }
}

/** A column that must have a value got none. */
export class NotNullViolationError extends ConstraintViolationError {
  static override readonly description = {
    code: 'LIMINAL_NOT_NULL_VIOLATION',
    retryable: false,
    when: 'A write leaves a NOT NULL column without a value.',
    remedy: 'Give the column that `columns` names a value.',
  } as const;

  constructor(fields: ConstraintFields, options?: ErrorOptions) {
    super('a NOT NULL constraint', fields, options);
  }
}

/** A value lies outside what a CHECK or the column type allows. */
export class CheckViolationError extends ConstraintViolationError {
  static override readonly description = {
    code: 'LIMINAL_CHECK_VIOLATION',
    retryable: false,
    when: 'A value breaks a CHECK constraint, or a STRICT table of SQLite refuses its type.',
    remedy: 'Use a value that the constraint allows; `constraint` names it.',
  } as const;

  constructor(fields: ConstraintFields, options?: ErrorOptions) {
    super('a CHECK constraint', fields, options);
  }
}

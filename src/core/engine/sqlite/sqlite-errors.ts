import { ConnectionError } from '../../foundation/errors/connection-errors.ts';
import {
  CheckViolationError,
  ForeignKeyViolationError,
  NotNullViolationError,
  UniqueViolationError,
  type ConstraintFields,
} from '../../foundation/errors/constraint-errors.ts';
import { LiminalDataError } from '../../foundation/errors/liminal-data-error.ts';
import { CorruptDatabaseError, DiskFullError, QueryError } from '../../foundation/errors/statement-errors.ts';
import { DatabaseBusyError, ReadOnlyDatabaseError } from '../../foundation/errors/transaction-errors.ts';

/**
 * Turns what better-sqlite3 throws into an error of this library, by its extended result code. Pure.
 *
 * @param cause what was thrown; an error of this library stays as it is
 * @param filename where it was thrown while a file was opened: the message then names it
 */
export function translateSqliteError(cause: unknown, filename?: string): LiminalDataError {
  if (cause instanceof LiminalDataError) return cause;
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const code = codeOf(error);
  return constraintError(code, error) ?? conditionError(code, error, filename) ?? queryError(code, error);
}

/** The same for who has a signal: its reason is the caller's own, and stays as it is. */
export function translateUnlessReason(
  cause: unknown,
  signal: AbortSignal | undefined,
  filename?: string,
): unknown {
  return signal?.aborted === true && cause === signal.reason ? cause : translateSqliteError(cause, filename);
}

function constraintError(code: string, cause: Error): LiminalDataError | undefined {
  switch (code) {
    case 'SQLITE_CONSTRAINT_UNIQUE':
    case 'SQLITE_CONSTRAINT_PRIMARYKEY':
    case 'SQLITE_CONSTRAINT_ROWID':
      return new UniqueViolationError(namedColumns(cause.message), { cause });
    case 'SQLITE_CONSTRAINT_FOREIGNKEY':
      return new ForeignKeyViolationError({}, { cause });
    case 'SQLITE_CONSTRAINT_NOTNULL':
      return new NotNullViolationError(namedColumns(cause.message), { cause });
    case 'SQLITE_CONSTRAINT_CHECK':
      return new CheckViolationError({ constraint: afterColon(cause.message) }, { cause });
    case 'SQLITE_CONSTRAINT_DATATYPE':
      return new CheckViolationError(lastColumn(cause.message), { cause });
    default:
      return undefined;
  }
}

function conditionError(
  code: string,
  cause: Error,
  filename = 'the SQLite file',
): LiminalDataError | undefined {
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED') || code === 'SQLITE_PROTOCOL') {
    return new DatabaseBusyError(
      `Another process held the lock of ${filename} for longer than lockTimeout. Run the transaction again.`,
      { cause },
    );
  }
  if (code.startsWith('SQLITE_READONLY')) {
    return new ReadOnlyDatabaseError(
      `A write was asked for where only reads are possible: a read-only transaction, or ${filename} or its folder is read-only.`,
      { cause },
    );
  }
  // A file size limit shows as IOERR_WRITE, a full disk as FULL.
  if (code === 'SQLITE_FULL' || code === 'SQLITE_IOERR_WRITE') {
    return new DiskFullError(
      'There is no room left for the write; it had no effect, and the transaction around it is gone. Make room and try again.',
      {
        cause,
      },
    );
  }
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') {
    return new CorruptDatabaseError(
      `This is no SQLite database, or its pages contradict each other: ${filename}. Keep a copy and restore a backup.`,
      { cause },
    );
  }
  if (code.startsWith('SQLITE_CANTOPEN') || code.startsWith('SQLITE_IOERR') || isFileSystemCode(code)) {
    return new ConnectionError(
      `SQLite cannot open or read ${filename} (${code}). Check its path and the rights of its folder.`,
      { cause, retryable: false },
    );
  }
  return undefined;
}

function queryError(code: string, cause: Error): QueryError {
  return new QueryError(`SQLite refuses the statement: ${cause.message}`, code === '' ? undefined : code, {
    cause,
  });
}

function codeOf(error: Error): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : '';
}

function isFileSystemCode(code: string): boolean {
  return /^E[A-Z]+$/.test(code);
}

// SQLite has no fields for these; the names stand behind the colon: "UNIQUE constraint failed: t.a, t.b".
function namedColumns(message: string): ConstraintFields {
  const paths = (afterColon(message) ?? '').split(', ').filter((path) => path.includes('.'));
  const table = paths[0]?.split('.')[0];
  return { table, columns: paths.map((path) => path.slice(path.indexOf('.') + 1)) };
}

function lastColumn(message: string): ConstraintFields {
  const [table, column] = message.slice(message.lastIndexOf(' ') + 1).split('.');
  return { table, columns: column === undefined ? [] : [column] };
}

function afterColon(message: string): string | undefined {
  const colon = message.indexOf(': ');
  return colon === -1 ? undefined : message.slice(colon + 2);
}

/**
 * Turns what pg throws into an error of this library, by SQLSTATE and by the codes of Node. It reads no
 * message: the server writes those in its own language. Who knows more than the code says (that the
 * connection is lost, that a limit has passed) states it in the context.
 */
import { ConnectionError } from '../../foundation/errors/connection-errors.ts';
import {
  CheckViolationError,
  ForeignKeyViolationError,
  NotNullViolationError,
  UniqueViolationError,
} from '../../foundation/errors/constraint-errors.ts';
import { LiminalDataError } from '../../foundation/errors/liminal-data-error.ts';
import {
  CorruptDatabaseError,
  DiskFullError,
  QueryCancelledError,
  QueryError,
  StatementTimeoutError,
} from '../../foundation/errors/statement-errors.ts';
import {
  DatabaseBusyError,
  DeadlockError,
  ReadOnlyDatabaseError,
  SerializationFailureError,
  TransactionAbortedError,
} from '../../foundation/errors/transaction-errors.ts';
import {
  copyWithoutValues,
  isSystemCode,
  readDriverFields,
  type DriverFields,
} from './postgres-error-fields.ts';
import { reasonOfRefusal } from './postgres-refusals.ts';

/** What the caller knows beside the error itself. */
export interface ErrorContext {
  /** The statement ran at least as long as `statementTimeout`: 57014 is a timeout, not an operator. */
  readonly timedOut?: boolean;
  /** Whether the session has outlived the error, where that is known: then its own connection was not meant. */
  readonly goesOn?: boolean;
}

/**
 * Translates an error of pg. Pure.
 *
 * @param error whatever was thrown; an error of this library comes back as it is
 * @param context what the caller knows beside the error itself
 * @returns the error to throw; its cause is a copy of the driver's error without any value in it
 */
export function translatePostgresError(error: unknown, context: ErrorContext = {}): LiminalDataError {
  if (error instanceof LiminalDataError) return error;
  const fields = readDriverFields(error);
  const options = { cause: copyWithoutValues(error) };
  return (
    translateConstraint(fields, options) ??
    translateTransaction(fields, options) ??
    translateStatement(fields, context, options) ??
    translateConnection(fields, context, options) ??
    new QueryError(`Postgres refuses the statement: ${describeQuery(fields)}`, fields.code, options)
  );
}

function translateConstraint(fields: DriverFields, options: ErrorOptions): LiminalDataError | undefined {
  const { code, table, constraint, column, keyColumns } = fields;
  switch (code) {
    case '23505':
    // An exclusion constraint is the general form of a unique one: the row collides with another.
    case '23P01':
      return new UniqueViolationError({ table, constraint, columns: keyColumns }, options);
    case '23503':
    // RESTRICT has a code of its own.
    case '23001':
      // The columns listed are the parent's where a parent would go, and nothing says which case it is.
      return new ForeignKeyViolationError({ table, constraint }, options);
    case '23502':
      return new NotNullViolationError({ table, columns: column === undefined ? [] : [column] }, options);
    case '23514':
      return new CheckViolationError({ table, constraint }, options);
    default:
      return undefined;
  }
}

function translateTransaction({ code }: DriverFields, options: ErrorOptions): LiminalDataError | undefined {
  switch (code) {
    case '40001':
      return new SerializationFailureError(
        'A concurrent transaction makes this one impossible to serialise; it was rolled back. Run it again.',
        options,
      );
    case '40P01':
      return new DeadlockError(
        'This transaction and another waited for each other; this one was rolled back. Run it again.',
        options,
      );
    case '55P03':
      return new DatabaseBusyError(
        'Another transaction holds the lock that was asked for, for longer than lockTimeout. Run the transaction again.',
        options,
      );
    case '25P02':
      return new TransactionAbortedError(
        'A statement of this transaction failed before, so nothing more of it can run. Let the first error end the transaction.',
        options,
      );
    case '25006':
      return new ReadOnlyDatabaseError(
        'A write was asked for where only reads are possible: a read-only transaction or server.',
        options,
      );
    default:
      return undefined;
  }
}

function translateStatement(
  { code }: DriverFields,
  { timedOut = false }: ErrorContext,
  options: ErrorOptions,
): LiminalDataError | undefined {
  switch (code) {
    case '57014':
      return timedOut
        ? new StatementTimeoutError(
            'The statement ran longer than statementTimeout and was cancelled. Ask for less, add an index, or raise the limit.',
            options,
          )
        : new QueryCancelledError('The statement was cancelled on the server before it ended.', options);
    case '53100':
      return new DiskFullError(
        'The disk of the server is full; the statement had no effect. Make room.',
        options,
      );
    case 'XX001':
    case 'XX002':
      return new CorruptDatabaseError(
        'The server found damaged pages or indexes. Stop writing, keep a copy and restore a backup.',
        options,
      );
    default:
      return undefined;
  }
}

function translateConnection(
  { code }: DriverFields,
  { goesOn }: ErrorContext,
  options: ErrorOptions,
): ConnectionError | undefined {
  // A foreign table whose server is out of reach, or a RAISE: the server goes on and has applied nothing.
  if (code === undefined || goesOn === true) return undefined;
  // A pooler in between ends a connection by 08P01, whatever the reason.
  if (!isConnectionCode(code) && !(code === '08P01' && goesOn === false)) return undefined;
  return new ConnectionError(
    `The connection to Postgres failed or was ended (${code}). Check that the server runs and accepts connections.`,
    options,
  );
}

/** Whether a code says that the session is gone or was never there. */
function isConnectionCode(code: string): boolean {
  // 08P01 is a message that does not fit, such as a wrong number of parameters; the session goes on.
  if (code === '08P01') return false;
  return connectionStates.has(code) || code.startsWith('08') || code.startsWith('28') || isSystemCode(code);
}

const connectionStates: ReadonlySet<string> = new Set([
  '57P01', // ended by an administrator
  '57P02', // the server crashed
  '57P03', // the server starts or stops
  '57P04', // the database was dropped
  '57P05', // idle for longer than idle_session_timeout
  '25P03', // idle in a transaction for longer than idle_in_transaction_session_timeout
  '25P04', // transaction_timeout
  '53300', // no connection slot left
]);

function describeQuery({ code = '', message = reasonOfRefusal(code) }: DriverFields): string {
  return code === '' ? message : `${message} (SQLSTATE ${code})`;
}

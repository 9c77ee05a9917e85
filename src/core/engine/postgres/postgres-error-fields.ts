/** Reads what is safe to keep of an error of pg, and leaves out what repeats rows and parameters. */

/** What is read of an error of pg or of Node. */
export interface DriverFields {
  /** What was said; undefined where that may repeat a parameter or a row. */
  readonly message: string | undefined;
  /** SQLSTATE, or the code of a system error. */
  readonly code: string | undefined;
  readonly table: string | undefined;
  readonly column: string | undefined;
  readonly constraint: string | undefined;
  /** The columns of the key that a constraint complains of; empty where the server does not list them. */
  readonly keyColumns: readonly string[];
}

const keptFields = [
  'code',
  'severity',
  'routine',
  'position',
  'schema',
  'table',
  'column',
  'dataType',
  'constraint',
  'syscall',
] as const;

/** Reads the fields that decide the translation. */
export function readDriverFields(error: unknown): DriverFields {
  const source = fieldsOf(error);
  return {
    message: mayRepeatValues(source) ? undefined : messageOf(error),
    code: textOf(source['code']),
    table: textOf(source['table']),
    column: textOf(source['column']),
    constraint: textOf(source['constraint']),
    keyColumns: parseKeyColumns(textOf(source['detail']) ?? ''),
  };
}

/**
 * Copies an error of pg without `detail`, `where`, `hint`, the query and everything else that may repeat
 * a row or a parameter. Its message goes as well where it may.
 */
export function copyWithoutValues(error: unknown): Error {
  const { message, code } = readDriverFields(error);
  return copyWithMessage(error, message ?? `SQLSTATE ${code}`);
}

/** Copies an error of connecting: no statement was sent, so its message repeats settings and no values. */
export function copyConnectError(error: unknown): Error {
  return copyWithMessage(error, messageOf(error));
}

function copyWithMessage(error: unknown, message: string): Error {
  const copy = new Error(message);
  copy.name = error instanceof Error ? error.name : 'Error';
  const source = fieldsOf(error);
  const kept = keptFields
    .filter((field) => source[field] !== undefined)
    .map((field) => [field, source[field]]);
  return Object.assign(copy, Object.fromEntries(kept));
}

/** System errors, OpenSSL's verdicts on a certificate, and those of Node's own TLS. */
export function isSystemCode(code: string): boolean {
  return /^(E[A-Z]{3,}|EAI_[A-Z]+|ERR_TLS_[A-Z_]+|ERR_SSL_[A-Z0-9_]+|CERT_[A-Z_]+|UNABLE_TO_[A-Z_]+|(DEPTH_ZERO_)?SELF_SIGNED_CERT[A-Z_]*)$/.test(
    code,
  );
}

/**
 * Whether a message may repeat a value. Many a function of the server writes its argument into one, under
 * codes that also stand for a fault of the statement (42601, 42704, 42P01). But the server parses a statement
 * before it is given the parameters, so an error that points into the text knows nothing else; one with a
 * context comes from a text within, such as the name of a type that was a parameter. Class 22 says the value
 * and 23 the row, wherever they point. A RAISE (P0001) says what its author wrote, and a breach of the protocol
 * (08P01) counts parameters without showing them.
 *
 * @see PostgreSQL documentation, "55.2.3. Extended Query" and "55.8. Error and Notice Message Fields"
 */
function mayRepeatValues(source: Record<string, unknown>): boolean {
  const code = textOf(source['code']);
  if (code === undefined || code === 'P0001' || code === '08P01' || isSystemCode(code)) return false;
  const pointsIntoStatement = source['position'] !== undefined && source['where'] === undefined;
  return !pointsIntoStatement || code.startsWith('22') || code.startsWith('23');
}

/**
 * The columns of `Key (a, b)=(1, 2) already exists.`: the server has no field for them. The words around
 * are in its language; the first parenthesis is not. A key of expressions lists none.
 */
function parseKeyColumns(detail: string): readonly string[] {
  const list = /\(((?:"(?:[^"]|"")*"|[\w$]+)(?:, (?:"(?:[^"]|"")*"|[\w$]+))*)\)=\(/u.exec(detail)?.[1];
  if (list === undefined) return [];
  return [...list.matchAll(/"((?:[^"]|"")*)"|([\w$]+)/gu)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
  );
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'the driver threw something that is no error';
}

function fieldsOf(error: unknown): Record<string, unknown> {
  return (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>;
}

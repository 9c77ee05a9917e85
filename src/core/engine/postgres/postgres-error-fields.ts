/** Reads what is safe to keep of an error of pg, and leaves out what repeats rows and parameters. */

/** What is read of an error of pg or of Node. */
export interface DriverFields {
  readonly message: string;
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
  const source = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>;
  return {
    message: error instanceof Error ? error.message : 'the driver threw something that is no error',
    code: textOf(source['code']),
    table: textOf(source['table']),
    column: textOf(source['column']),
    constraint: textOf(source['constraint']),
    keyColumns: parseKeyColumns(textOf(source['detail']) ?? ''),
  };
}

/**
 * Copies an error of pg without `detail`, `where`, `hint`, the query and everything else that may repeat
 * a row or a parameter. The message goes as well where the SQLSTATE is of a class whose messages do.
 */
export function copyWithoutValues(error: unknown): Error {
  const { message, code } = readDriverFields(error);
  const copy = new Error(code !== undefined && mayRepeatValues(code) ? `SQLSTATE ${code}` : message);
  copy.name = error instanceof Error ? error.name : 'Error';
  const source = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>;
  const kept = keptFields
    .filter((field) => source[field] !== undefined)
    .map((field) => [field, source[field]]);
  return Object.assign(copy, Object.fromEntries(kept));
}

/** Whether the server's messages of a code's class repeat values: 22 the value, 23 the row. */
export function mayRepeatValues(code: string): boolean {
  return code.startsWith('22') || code.startsWith('23');
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

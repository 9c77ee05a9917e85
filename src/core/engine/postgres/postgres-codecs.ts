/**
 * What goes to pg as a parameter and what comes back as a value. The parsers belong to one pool: pg's own
 * registry is shared by the whole process and stays as it is. It is asked for nothing but the types that are
 * left: intervals, shapes, arrays, and what an extension or a schema defines.
 */
import type { CustomTypesConfig, FieldDef } from 'pg';
import { UnsafeIntegerError } from '../../foundation/errors/statement-errors.ts';
import { ValidationError } from '../../foundation/errors/validation-error.ts';
import { checkParameter } from '../parameters.ts';
import { plainParsers, type ParseText } from './postgres-parsers.ts';
import { postgresVocabulary } from './postgres-vocabulary.ts';

const int8 = 20;

/** The parsers of one pool. */
export class PostgresCodecs {
  /** For pg's `types` option. */
  readonly types: CustomTypesConfig;
  #unsafeIntegers = 0;

  /** @param base pg's own registry, which parses every type that is not ours */
  constructor(base: CustomTypesConfig) {
    const own = new Map<number, ParseText>([...plainParsers, [int8, (text) => this.#parseInt8(text)]]);
    const getTypeParser = (type: number, format?: string): unknown =>
      (format === 'binary' ? undefined : own.get(type)) ?? base.getTypeParser(type, format as never);
    this.types = { getTypeParser: getTypeParser as CustomTypesConfig['getTypeParser'] };
  }

  /** How many unsafe integers were read so far; where it has not moved, a result needs no second look. */
  get unsafeIntegers(): number {
    return this.#unsafeIntegers;
  }

  // A parser does not know its column, so an unsafe integer stays exact until the result is looked at.
  #parseInt8(text: string): number | bigint {
    const value = Number(text);
    if (Number.isSafeInteger(value)) return value;
    this.#unsafeIntegers += 1;
    return BigInt(text);
  }
}

/** @throws UnsafeIntegerError for the first column of a result that holds an integer beyond ±(2^53 − 1) */
export function requireSafeIntegers(
  fields: readonly FieldDef[],
  rows: readonly Record<string, unknown>[],
): void {
  for (const { name, dataTypeID } of fields) {
    if (dataTypeID === int8 && rows.some((row) => typeof row[name] === 'bigint')) {
      throw new UnsafeIntegerError(name);
    }
  }
}

/**
 * Refuses parameters that would not come back as they went in, or that pg would turn into JSON unasked.
 *
 * @throws ValidationError that names the position, never the value
 */
export function checkParameters(parameters: readonly unknown[]): void {
  // pg writes the count into 16 bits and drops what does not fit.
  if (parameters.length > postgresVocabulary.maxParameters) {
    throw new ValidationError(
      `A statement has ${parameters.length} parameters; Postgres takes ${postgresVocabulary.maxParameters}.`,
    );
  }
  for (const [index, value] of parameters.entries()) checkValue(value, index + 1);
}

function checkValue(value: unknown, position: number): void {
  if (Array.isArray(value)) {
    for (const item of value) checkValue(item, position);
    return;
  }
  checkParameter(value, position);
  if (typeof value === 'object' && value !== null && !(value instanceof Date) && !ArrayBuffer.isView(value)) {
    throw new ValidationError(`Parameter ${position} is an object: hand JSON over as text.`);
  }
}

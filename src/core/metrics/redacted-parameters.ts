import { lexiconOf } from '../engine/lexicon-of.ts';
import { tokensOf, type SqlLexicon } from '../engine/sql-tokens.ts';
import type { SqlLexicalRules } from '../engine/sql-vocabulary.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { parameterColumnsOf, type ParameterColumn } from './parameter-columns.ts';

/** How many parameters of a statement are told. */
const mostTold = 100;
/** From how many characters on a text that may be logged is cut. */
const longestText = 200;
/** From how many characters on a statement is not looked into: all of its parameters are redacted. */
const longestStatement = 100_000;
/** What every sealed value begins with; see the security room. */
const sealedPrefix = 'liminal:1:';

const namePattern = /^[^.\p{Cc}]+(?:\.[^.\p{Cc}]+)?$/u;

/**
 * Checks which columns may be logged.
 *
 * @throws ValidationError with every name that is neither `column` nor `table.column`
 */
export function checkLoggableColumns(columns: readonly string[]): void {
  const issues = columns.flatMap((name, index) =>
    typeof name === 'string' && namePattern.test(name)
      ? []
      : [
          {
            path: ['loggableColumns', index],
            message: 'must be a column, or a table and a column with a dot',
          },
        ],
  );
  if (issues.length > 0) throw new ValidationError(issues);
}

/** Writes the parameters of statements for a log: what they are and how large, not what they hold. */
export class ParameterRedaction {
  readonly #lexicon: SqlLexicon | undefined;
  readonly #loggable: ReadonlySet<string>;

  /**
   * @param rules how the engine's statements are written; where that is not known, all parameters are redacted
   * @param loggable columns whose values may be logged, as `status`, which is every column of that name, or
   *   `threads.status`
   */
  constructor(rules?: SqlLexicalRules, loggable: readonly string[] = []) {
    this.#lexicon = rules && lexiconOf(rules);
    const foldsNames = this.#lexicon?.foldsNames === true;
    this.#loggable = new Set(foldsNames ? loggable.map((name) => name.toLowerCase()) : loggable);
  }

  /** @returns a text a parameter, at most 100; the last one then says how many more there are */
  describe(sql: string, parameters: readonly unknown[]): readonly string[] {
    const columns = this.#columnsOf(sql, parameters.length);
    const told = parameters.slice(0, mostTold).map((value, index) => {
      const column = columns?.get(index + 1);
      return column !== undefined && this.#isLoggable(column) && !isSealed(value)
        ? clearText(value)
        : `[redacted: ${kindOf(value)}]`;
    });
    return parameters.length <= mostTold ? told : [...told, `… ${parameters.length - mostTold} more`];
  }

  #columnsOf(sql: string, count: number): ReadonlyMap<number, ParameterColumn> | undefined {
    if (this.#lexicon === undefined || this.#loggable.size === 0) return undefined;
    if (count === 0 || sql.length > longestStatement) return undefined;
    return parameterColumnsOf(tokensOf(sql, this.#lexicon));
  }

  #isLoggable({ table, column }: ParameterColumn): boolean {
    return this.#loggable.has(column) || (table !== undefined && this.#loggable.has(`${table}.${column}`));
  }
}

function isSealed(value: unknown): boolean {
  return typeof value === 'string' && value.startsWith(sealedPrefix);
}

function clearText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length > longestText ? `${value.slice(0, longestText)}…` : value;
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    default:
      return value === null ? 'null' : `[${kindOf(value)}]`;
  }
}

function kindOf(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `text ${value.length}`;
    case 'number':
      return Number.isInteger(value) ? 'integer' : 'real';
    case 'bigint':
      return 'integer';
    case 'object':
      if (value === null) return 'null';
      if (value instanceof Date) return 'time';
      if (ArrayBuffer.isView(value)) return `blob ${value.byteLength}`;
      return Array.isArray(value) ? `list ${value.length}` : 'object';
    default:
      return typeof value;
  }
}

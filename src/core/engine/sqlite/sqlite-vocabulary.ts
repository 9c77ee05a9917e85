import { sql, type Expression, type RawBuilder, type SqlBool } from 'kysely';
import type { JsonPathSegment, SqlVocabulary } from '../sql-vocabulary.ts';
import { sqliteRelations } from './sqlite-relations.ts';

/** What is said differently in SQLite's SQL. */
export const sqliteVocabulary: SqlVocabulary = {
  maxParameters: 32_766,
  lexicalRules: {
    dollarQuotes: false,
    escapeStrings: false,
    nestedComments: false,
    bracketIdentifiers: true,
  },
  placeholder: () => '?',
  version: () => sql<string>`sqlite_version()`,

  // LIKE ignores the case of ASCII letters; GLOB does not, and can use an index.
  patternParameter: globOf,
  like: (text, pattern) => sql<SqlBool>`${text} glob ${pattern}`,
  contains: (text, part) => sql<SqlBool>`instr(${text}, ${part}) > 0`,

  // A list as one JSON text keeps the statement the same for every length. Reals stay parameters:
  // SQLite's own reading of decimals may differ from JavaScript's in the last bit.
  listParameters: (values, kind) => (kind === 'real' ? values : [JSON.stringify(values)]),
  isIn(value, list, kind) {
    if (list.length === 0) return sql<SqlBool>`false`;
    if (kind === 'real') return sql<SqlBool>`${value} in (${sql.join(list)})`;
    return sql<SqlBool>`${value} in (select value from json_each(${list[0]}))`;
  },

  jsonString: (column, path) => whenType(column, path, ['text']),
  // As a double, which is what JSON numbers are to JavaScript: integers beyond 2^53 are written rounded to a
  // decimal that SQLite would keep to the last digit.
  jsonNumber: (column, path) =>
    sql<number | null>`cast(${whenType(column, path, ['integer', 'real'])} as real)`,
  jsonBoolean: (column, path) => whenType(column, path, ['true', 'false']),
  jsonIsNull(column, path) {
    return sql<SqlBool>`coalesce(json_type(${column}, ${jsonPath(path)}), 'null') = 'null'`;
  },

  matchesAll(table, tokens) {
    const index = sql.ref(`${table}_index`);
    const query = tokens.map((token) => `"${token}"`).join(' ');
    return sql<SqlBool>`${sql.ref(`${table}.id`)} in (select rowid from ${index} where ${index} match ${query})`;
  },

  // A transaction that writes is the only one.
  lockSkippingLocked: () => sql``,
  lockRows: () => sql``,
  relations: () => sqliteRelations,
};

function whenType(column: Expression<unknown>, path: readonly JsonPathSegment[], types: readonly string[]) {
  const place = jsonPath(path);
  const wanted = sql.join(types.map((type) => sql.lit(type)));
  return sql<never>`case when json_type(${column}, ${place}) in (${wanted}) then json_extract(${column}, ${place}) end`;
}

// A literal: the planner knows an expression index by it, and not by a parameter. JSON leaves no NUL in it.
function jsonPath(path: readonly JsonPathSegment[]): RawBuilder<string> {
  const steps = path.map((segment) =>
    typeof segment === 'number' ? `[${segment}]` : `.${JSON.stringify(segment)}`,
  );
  return sql.lit(`$${steps.join('')}`);
}

/** Turns a LIKE pattern with `\` as its escape into a GLOB pattern. */
function globOf(pattern: string): string {
  return pattern.replace(
    /\\([^])|([%_*?[])/gu,
    (_, escaped: string | undefined, special: string | undefined) => {
      if (special === '%') return '*';
      if (special === '_') return '?';
      const literal = escaped ?? special ?? '';
      return literal === '*' || literal === '?' || literal === '[' ? `[${literal}]` : literal;
    },
  );
}

import { sql, type Expression, type RawBuilder, type SqlBool } from 'kysely';
import { advisoryLockKey } from './postgres-advisory-lock.ts';
import { postgresRelations } from './postgres-relations.ts';
import type { ColumnKind, JsonPathSegment, SqlVocabulary } from '../sql-vocabulary.ts';

/** What is said differently in the SQL of Postgres. */
export const postgresVocabulary: SqlVocabulary = {
  // The wire protocol counts parameters in 16 bits.
  maxParameters: 65_535,
  lexicalRules: { dollarQuotes: true, escapeStrings: true, nestedComments: true, bracketIdentifiers: false },
  placeholder: (position) => `$${position}`,
  version: () => sql<string>`current_setting('server_version')`,
  wallClock: () => sql<number>`cast(extract(epoch from clock_timestamp()) * 1000 as bigint)`,

  patternParameter: (pattern) => pattern,
  like: (text, pattern) => sql<SqlBool>`${text} like ${pattern} escape '\\'`,
  contains: (text, part) => sql<SqlBool>`strpos(${text}, ${part}) > 0`,
  listParameters: (values) => [[...values]],
  isIn: (value, list, kind) => sql<SqlBool>`${value} = any(cast(${list[0]} as ${arrayTypes[kind]}))`,

  jsonString(column, path) {
    const place = jsonPlace(column, path);
    return sql<
      string | null
    >`(case when jsonb_typeof(${place}) = 'string' then ${place} #>> '{}' end) collate "C"`;
  },
  // The CASE keeps the casts away from values that are no numbers: WHERE alone promises no order. jsonb keeps
  // numbers of any size, and a cast would refuse those that no double comes near.
  jsonNumber(column, path) {
    const place = jsonPlace(column, path);
    const number = sql`cast(${place} as numeric)`;
    return sql<number | null>`case when jsonb_typeof(${place}) <> 'number' then null
      when ${number} > ${greatestDouble} then 'Infinity'::double precision
      when ${number} < -${greatestDouble} then '-Infinity'::double precision
      when abs(${number}) < ${leastDouble} then 0
      else cast(${place} as double precision) end`;
  },
  jsonBoolean: (column, path) =>
    sql<
      number | null
    >`case ${jsonPlace(column, path)} when jsonb 'true' then 1 when jsonb 'false' then 0 end`,
  jsonIsNull: (column, path) =>
    sql<SqlBool>`coalesce(jsonb_typeof(${jsonPlace(column, path)}), 'null') = 'null'`,

  matchesAll: (table, tokens) =>
    sql<SqlBool>`${sql.ref(`${table}.document`)} @@ to_tsquery('simple', ${tokens.join(' & ')})`,

  lockSkippingLocked: (table) => sql`for update of ${sql.table(table)} skip locked`,
  lockRows: (intent) => (intent === 'delete' ? sql`for update` : sql`for no key update`),
  notify: (channel, payload) => sql`pg_notify(${sql.lit(channel)}, cast(${payload} as text))`,
  relations: () => postgresRelations,
  nameLocks: {
    // In the order of the keys: names of which two have the same one would else be locked in two orders.
    keysOf: (names) =>
      names
        .map(advisoryLockKey)
        .toSorted((one, other) => (one < other ? -1 : 1))
        .map(String),
    lock: (keys) =>
      sql`select pg_advisory_xact_lock(key) from unnest(cast(${keys} as bigint[])) as keys (key)`,
    lockAndReadChains: <Row>(reader: string, keys: unknown, chains: unknown) =>
      sql<Row>`select * from ${sql.table(reader)}(cast(${keys} as bigint[]), cast(${chains} as text[]))`,
  },
};

const arrayTypes: Readonly<Record<ColumnKind, RawBuilder<unknown>>> = {
  uuid: sql`uuid[]`,
  text: sql`text[]`,
  integer: sql`bigint[]`,
  real: sql`double precision[]`,
  json: sql`jsonb[]`,
  blob: sql`bytea[]`,
};

/** Beyond it a decimal is no double any more, below `leastDouble` it is 0. */
const greatestDouble = sql`1.7976931348623158e308`;
const leastDouble = sql`2.4703282292062328e-324`;

/** No array is longer, so that an index beyond finds nothing instead of being refused as an integer. */
const lastIndex = 2_147_483_647;

// A path in strict mode and not a chain of `->`, for which a scalar is its own element 0. Silent, so that what
// is not there is NULL and no error. It is a literal, by which the planner knows an expression index even in a plan
// for any parameters; JSON leaves no NUL in it.
function jsonPlace(column: Expression<unknown>, path: readonly JsonPathSegment[]): RawBuilder<unknown> {
  const steps = path.map((segment) =>
    typeof segment === 'number' ? `[${Math.min(segment, lastIndex)}]` : `.${JSON.stringify(segment)}`,
  );
  return sql`jsonb_path_query_first(${column}, cast(${sql.lit(`strict $${steps.join('')}`)} as jsonpath), '{}', true)`;
}

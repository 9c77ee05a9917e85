/**
 * The tags that come from tables. An answer carries those that it depends on, and a write moves those that it may
 * change:
 *
 * - every answer of a table: `tableTag`
 * - one row by its key: `rowTag`
 * - several rows, or one by something else than its key: `allListsTag`, and `groupTag` where its filter fixes a
 *   grouping column, else `listTag`
 *
 * A write that names rows also moves `toldApartTag` and `layoutTag`, on which nothing depends; see `TableLayouts`.
 *
 * Names of tables count without their schema and in whatever case, and values in whatever form a database may take for
 * the same one: tags that meet by chance make too much invalid, and never too little.
 */

/** The one name of a table: without its schema, and in lower case. */
export function tableName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1).toLowerCase();
}

/** Everything of a table. */
export function tableTag(table: string): string {
  return `t:${tableName(table)}`;
}

/** Everything of a table that is not one row by its key. */
export function allListsTag(table: string): string {
  return `a:${tableName(table)}`;
}

/** The lists of a table that are of no group. */
export function listTag(table: string): string {
  return `l:${tableName(table)}`;
}

/**
 * The lists of a table whose filter fixes a grouping column.
 *
 * @returns undefined where nobody can say which values are the same one
 */
export function groupTag(table: string, column: string, value: unknown): string | undefined {
  const text = foldValue(value);
  return text === undefined ? undefined : `g:${tableName(table)}:${column.toLowerCase()}=${text}`;
}

/** Of each change that names rows of a table. */
export function toldApartTag(table: string): string {
  return `w:${tableName(table)}`;
}

/** By which keys and groups the rows of a table are told apart, in whatever order they were named. */
export function layoutTag(
  table: string,
  keys: readonly (readonly string[])[],
  groups: readonly string[],
): string {
  const names = keys.map((key) => key.join('|').toLowerCase()).toSorted();
  const columns = groups.map((group) => group.toLowerCase()).toSorted();
  return `w:${tableName(table)}:${names.join()}=${columns.join()}`;
}

/**
 * One row. A table may have several keys, so a row has a tag for each.
 *
 * @param columns those of the key
 * @param values in the order of the columns
 * @returns undefined where nobody can say which values are the same one
 */
export function rowTag(
  table: string,
  columns: readonly string[],
  values: readonly unknown[],
): string | undefined {
  const texts = values.map(foldValue);
  return texts.length === 0 || texts.includes(undefined)
    ? undefined
    : `r:${tableName(table)}:${columns.join('|').toLowerCase()}=${texts.join('|')}`;
}

const longestValue = 1_000;
const decimal = /^[+-]?(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:e[+-]?\d+)?$/u;
const otherBase = /^([+-]?)(0[xob][\da-f_]+)$/u;
const uuidSigns = /[{}-]/gu;
const uuidDigits = /^[\da-f]{32}$/u;

/**
 * Brings a value of a text, uuid or integer column into one form for all that a database may take for equal: a parameter
 * may be a number or its text, a uuid has several writings, and a collation may ignore the case.
 */
function foldValue(value: unknown): string | undefined {
  if (typeof value === 'bigint' || typeof value === 'number') return String(Number(value));
  if (typeof value !== 'string' || value.length > longestValue) return undefined;
  // Upper case first: some letters have one form there and two below.
  const text = value.trim().toUpperCase().toLowerCase();
  const digits = text.replace(uuidSigns, '');
  if (uuidDigits.test(digits)) return digits;
  const [, sign = '', number] = otherBase.exec(text) ?? [];
  if (number !== undefined) return String(Number(`${sign}1`) * Number(number.replaceAll('_', '')));
  return decimal.test(text) ? String(Number(text.replaceAll('_', ''))) : text;
}

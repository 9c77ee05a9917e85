/**
 * Parses what may be absent. Rows say null and the domain says undefined; both mean that there is nothing.
 *
 * @param value the value, or null or undefined
 * @param parse is not called where there is nothing
 * @returns undefined where there is nothing, else what `parse` returns
 * @throws what `parse` throws
 */
export function optional<Value, Parsed>(
  value: Value | null | undefined,
  parse: (value: Value) => Parsed,
): Parsed | undefined {
  return value === null || value === undefined ? undefined : parse(value);
}

/**
 * A text of a schema's script, what takes its place, and every line of the difference; behind … anything may come.
 */
export type SchemaChange = readonly [from: string, to: string, ...lines: readonly string[]];

/** What a statement may come with. */
export interface AbortOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Whether an error is nobody's any more. Kysely has told the caller of the abort already, waits for the statement
 * before it gives the connection back, and would print whatever fails.
 */
export function isUnheard(options: AbortOptions | undefined): boolean {
  return options?.signal?.aborted === true;
}

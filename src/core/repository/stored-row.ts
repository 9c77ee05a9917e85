import type { Kysely } from 'kysely';

/** A row as the engines give it: strings, numbers, bytes and NULL. */
export type StoredRow = Readonly<Record<string, unknown>>;

/**
 * A database whose tables are known by their definitions at run time, not by its type. The typed methods of
 * a repository work on it inside.
 */
export type UntypedDatabase = Kysely<Record<string, Record<string, unknown>>>;

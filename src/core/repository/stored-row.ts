import type { Kysely, QueryResult } from 'kysely';
import type { StatementShape } from '../query/statement-cache.ts';

/** A row as the engines give it: strings, numbers, bytes and NULL. */
export type StoredRow = Readonly<Record<string, unknown>>;

/**
 * A database whose tables are known by their definitions at run time, not by its type. The typed methods of
 * a repository work on it inside.
 */
export type UntypedDatabase = Kysely<UntypedTables>;

/** The tables, known by their definitions at run time. */
export type UntypedTables = Record<string, Record<string, unknown>>;

/** Runs a statement of a repository where the call belongs: by itself, or on the caller's transaction. */
export type RunShape = (shape: StatementShape<UntypedTables, StoredRow>) => Promise<QueryResult<StoredRow>>;

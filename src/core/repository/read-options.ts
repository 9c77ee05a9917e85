import type { Kysely, Selectable } from 'kysely';
import type { ColumnName } from '../query/column.ts';
import type { OrderBy } from '../query/order.ts';
import { requireHandle } from '../query/statement-target.ts';

/** Where a method runs; the last argument of every method. */
export interface RepositoryCallOptions<DB> {
  /** A transaction; by default each statement runs by itself on the provider's handle. */
  readonly on?: Kysely<DB> | undefined;
}

/** The handle that a call names. @throws ValidationError where it is none */
export function handleOf<DB>({ on }: RepositoryCallOptions<DB>): Kysely<DB> | undefined {
  requireHandle(on);
  return on;
}

/** How many rows come, and in which order. */
export interface FindOptions<DB, Row, JsonShapes = unknown> extends RepositoryCallOptions<DB> {
  /** What to sort by; the key by default. The key's columns follow as tie-breakers. */
  readonly orderBy?: OrderBy<Omit<Row, keyof JsonShapes>>;
  /** The most rows that come, from 0 to 100,000; all of them by default. */
  readonly limit?: number;
}

/** Which columns come; without it whole entities do. */
export interface SelectOption<Name extends string> {
  /** At least one column, each once. */
  readonly select: readonly Name[];
}

/** Which page comes. */
export interface PageOptions<DB, Row, JsonShapes = unknown> extends RepositoryCallOptions<DB> {
  /** What to sort by; the key by default. The key's columns follow as tie-breakers. */
  readonly orderBy?: OrderBy<Omit<Row, keyof JsonShapes>>;
  /** The most rows that come, from 0 to 1,000; 50 by default. */
  readonly limit?: number;
  /** A cursor: the page begins behind it. Not together with `before`. */
  readonly after?: string | undefined;
  /** A cursor: the page ends ahead of it. Not together with `after`. */
  readonly before?: string | undefined;
}

/** How rows are streamed. */
export interface StreamOptions<DB, Row, JsonShapes = unknown> extends RepositoryCallOptions<DB> {
  /** What to sort by; the key by default. The key's columns follow as tie-breakers. */
  readonly orderBy?: OrderBy<Omit<Row, keyof JsonShapes>>;
  /** How many rows one statement reads, from 1 to 10,000; 500 by default. */
  readonly chunkSize?: number;
}

/** The order alone, for reading one row. */
export type FirstOptions<DB, Row, JsonShapes = unknown> = Omit<FindOptions<DB, Row, JsonShapes>, 'limit'>;

/**
 * What names one row: the value of the key's column, or an object with all of them where there are several.
 * An id that the entity brands must be given with its brand.
 */
export type KeyValue<Row, Entity, Key extends ColumnName<Row>> =
  IsUnion<Key> extends true
    ? { readonly [Name in Key]: KeyPart<Row, Entity, Name> }
    : KeyPart<Row, Entity, Key>;

type KeyPart<Row, Entity, Name extends ColumnName<Row>> =
  Entity extends Readonly<Record<Name, infer Value extends Selectable<Row>[Name]>>
    ? Value
    : Selectable<Row>[Name];

type IsUnion<Type, Whole = Type> = Type extends unknown ? ([Whole] extends [Type] ? false : true) : never;

/** The one column named `id`, or every column where the table has none and `Key` must be said. */
export type DefaultKey<Row> = 'id' extends ColumnName<Row> ? 'id' : ColumnName<Row>;

import type { JsonPathSegment } from '../engine/sql-vocabulary.ts';
import type { Operators } from './operators.ts';

/**
 * What may be asked of a JSON column: whether it is NULL, or conditions on paths inside of it, all of which
 * must hold. The operand's type says what is looked for: a number is never equal to a string that spells it.
 * What is not there equals null.
 *
 * @example
 * const busy: Filter<ThreadsTable, { metadata: ThreadMetadata }> = {
 *   metadata: [
 *     { path: ['usage', 'totalTokens'], gt: 100 },
 *     { path: ['tags', 0], ne: 'draft' },
 *   ],
 * };
 */
export type JsonFilter<Shape> =
  null | { readonly isNull: boolean } | PathFilter<Shape> | readonly PathFilter<Shape>[];

/**
 * A condition on what lies at a path. Paths are checked against the shape down to six steps; behind
 * `unknown` every path is allowed.
 */
export type PathFilter<Shape> = unknown extends Shape
  ? OpenFilter<readonly []>
  : FilterBelow<NonNullable<Shape>, readonly [], 6>;

type FilterBelow<Shape, Path extends readonly JsonPathSegment[], Steps extends number> = Steps extends 0
  ? never
  : Shape extends readonly (infer Element)[]
    ? FilterAt<Element, readonly [...Path, number], Less[Steps]>
    : Shape extends object
      ? {
          [Name in keyof Shape & string]-?: FilterAt<Shape[Name], readonly [...Path, Name], Less[Steps]>;
        }[keyof Shape & string]
      : never;

type FilterAt<Value, Path extends readonly JsonPathSegment[], Steps extends number> = unknown extends Value
  ? OpenFilter<Path>
  : | ({ readonly path: Path } & Operators<Extract<Value, JsonScalar> | null>)
    | FilterBelow<NonNullable<Value>, Path, Steps>;

type OpenFilter<Path extends readonly JsonPathSegment[]> = {
  readonly path: readonly [...Path, ...JsonPathSegment[]];
} & (Operators<string | null> | Operators<number | null> | Operators<boolean | null>);

type JsonScalar = string | number | boolean;

type Less = [never, 0, 1, 2, 3, 4, 5];

/**
 * The part of Standard Schema, version 1, that this library uses. Schemas of zod, valibot, arktype and
 * others fit it by their shape, so that no schema library is in our tree.
 *
 * @see https://standardschema.dev
 */
export interface StandardSchema<Output = unknown, Input = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a schema says of a value: the value as it is to be used, or the faults. */
export type StandardResult<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly StandardIssue[] };

/** A fault as Standard Schema words it. */
export interface StandardIssue {
  /** What is wrong. */
  readonly message: string;
  /** Where, from the outside in; absent for the value as a whole. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

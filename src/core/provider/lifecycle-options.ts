import type { SchemaMode } from '../engine/schema-guard.ts';

/** How a provider is initialised. */
export interface InitializeOptions {
  /**
   * How long a server that is not up yet is waited for, in ms from 0 to 24 h; 0 tries once. 30,000 by default.
   * The hooks have as long as they need.
   */
  readonly deadline?: number;
  /**
   * What is done about the schema, before the hooks: `verify` refuses to start on one that is behind or not what its
   * migrations left, `migrate` brings it up to date first. It needs `schema` of `createProvider`; with that it is
   * `verify` by default, else `ignore`.
   */
  readonly schema?: SchemaMode;
}

/** How a provider closes. */
export interface CloseOptions {
  /** How long work under way may take to end, in ms from 0 to 24 h; then it is cut off. 10,000 by default. */
  readonly deadline?: number;
}

/** How long is waited where a call does not say, in ms. */
export const defaultDeadlines = { initialize: 30_000, close: 10_000 } as const;

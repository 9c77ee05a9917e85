import type { Actor } from '../foundation/actor-context.ts';

/**
 * What became of one field. An absent `old` means that there was no such entity before, an absent `new` that there
 * is none any more.
 */
export interface FieldChange {
  /** The field, in the application's own words: 1 to 255 characters. */
  readonly field: string;
  /**
   * A JSON value, or what stands for one: `{ $masked }`, `{ $sealed }`. One whose JSON is longer than 65,536
   * characters is stored as `{ $digest, length }`, its keyed code.
   */
  readonly old?: unknown;
  /** As `old`. */
  readonly new?: unknown;
}

/** What is to be recorded. */
export interface AuditEvent {
  /** What was done, such as `update`, `reveal` or `sign-in.failed`: 1 to 255 characters. */
  readonly action: string;
  /** What it was done to: its kind, and its id where it is about one; 1 to 255 characters each. */
  readonly entity?: { readonly type: string; readonly id?: string | undefined } | undefined;
  /** What it changed, field by field. */
  readonly changes?: readonly FieldChange[] | undefined;
  /** Why it was done: 1 to 2,000 characters. */
  readonly reason?: string | undefined;
  /** Who did it; `currentActor()` by default, and null for nobody that is known. */
  readonly actor?: Pick<Actor, 'type' | 'id' | 'tenant' | 'requestId'> | null | undefined;
  /** The tenant in which it was done: 1 to 255 characters; that of the actor by default, and null for none. */
  readonly tenant?: string | null | undefined;
  /** The request in which it was done: 1 to 255 characters; that of the actor by default. */
  readonly requestId?: string | undefined;
  /** The trace in which it was done: 1 to 255 characters. */
  readonly traceId?: string | undefined;
  /** What else is to be told: a plain object of JSON values. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

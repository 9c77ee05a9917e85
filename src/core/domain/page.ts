import type { Brand } from './brand.ts';

/** Where a page begins or ends. Opaque: it only has a meaning for the question that it came from. */
export type Cursor = Brand<string, 'Cursor'>;

/** A part of an ordered list. */
export interface Page<Item> {
  /** The items, in the order that was asked for. */
  readonly items: readonly Item[];
  /** Hand it in as `after` for what follows; undefined where nothing follows. */
  readonly nextCursor: Cursor | undefined;
  /** Hand it in as `before` for what precedes; undefined where nothing precedes. */
  readonly previousCursor: Cursor | undefined;
}

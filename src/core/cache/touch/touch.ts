/**
 * What statements may change, as far as their text tells: which tables, and which rows of them where that is plain.
 */
import type { Touch } from '../../provider/write-watch.ts';

/** Where a value stands: the index of a parameter, from 0, or a text in the statement itself. */
export type ValuePlace = { readonly parameter: number } | { readonly text: string };

/** What a statement does to one table. */
export interface TableWrite {
  /** In lower case, without its schema. */
  readonly table: string;
  /** `replace` may delete rows that are in its way, and `any` is any of them. */
  readonly verb: 'insert' | 'update' | 'delete' | 'replace' | 'any';
  /** What an update sets; undefined where that is not known, or where nothing is updated. */
  readonly set?: readonly string[] | undefined;
  /**
   * What each row that it changes holds in some columns; undefined where nobody can say which rows it changes, beyond
   * those of `fixed`.
   */
  readonly rows?: readonly ReadonlyMap<string, ValuePlace>[] | undefined;
  /**
   * The columns by which it finds a row that is there already and changes that one: of the rest nothing is known then.
   * Undefined where it inserts new rows alone.
   */
  readonly conflict?: readonly string[] | undefined;
}

/** What the statements of one text do. */
export interface WriteShape {
  readonly writes: readonly TableWrite[];
  /** Whether it may change anything at all, and the schema as well: nobody here understands it. */
  readonly isAnything: boolean;
}

/** What one statement may change, with its parameters. */
export interface SqlTouch {
  readonly shape: WriteShape;
  readonly parameters: readonly unknown[];
}

/** What is not understood. */
export const anyShape: WriteShape = { writes: [], isAnything: true };

/** Whether one of the touches of a TouchReader may change the schema. */
export function changesSchema(touches: readonly Touch[]): boolean {
  return (touches as readonly SqlTouch[]).some(({ shape }) => shape.isAnything);
}

import type { TableDefinition } from './table-definition.ts';

/** A read of a repository that stands for itself, before it is sent. */
export interface ObservedRead<Raw, Answer> {
  /** `row` is the one of a key, `rows` is a list in whatever form, `number` a count or a question. */
  readonly kind: 'row' | 'rows' | 'number';
  readonly definition: TableDefinition;
  /** Who makes entities of rows: another one makes another answer of the same rows. */
  readonly mapper: object;
  /** With the values it tells the read from every other one of its table. */
  readonly shape: string;
  /** Of a `row`, a value for each column of the key. */
  readonly values: readonly unknown[];
  /** Which rows are meant, as the caller wrote it and without faults; undefined for a `row`. */
  readonly filter: object | undefined;
  /** Sends it. */
  load(): Promise<Raw>;
  /**
   * Makes the answer of what came; it changes nothing of that.
   *
   * @throws UnreadableRowError
   */
  answer(raw: Raw): Answer;
}

/**
 * Takes part in what the repositories of a provider read outside of transactions, without a handle of the caller's, and
 * not as a stream or by `query()`. The room of the repositories does not know who that is.
 */
export interface ReadObserver {
  /**
   * Answers a read: by its `load` and `answer`, or by what it knows already.
   *
   * @returns what `answer` has made of what `load` has given, or would now; at once where nobody has to be asked
   */
  read<Raw, Answer>(read: ObservedRead<Raw, Answer>): Answer | Promise<Answer>;
}

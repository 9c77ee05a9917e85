import type { CompiledQuery, QueryResult } from 'kysely';
import type { DirectExecutor, StatementSpan } from '../engine/direct-executor.ts';
import type { StatementOptions } from '../engine/statement-options.ts';
import { queryChannel } from '../foundation/tracing-channels.ts';
import { outcomeOf, type StatementObserver } from './statement-observer.ts';

/** Times what goes past Kysely. It stands there only where somebody listens. */
export class ObservedExecutor implements DirectExecutor {
  readonly #inner: DirectExecutor;
  readonly #observer: StatementObserver;
  /** Answers at once, past the traces; undefined where nobody can. */
  readonly #quick: Required<DirectExecutor> | undefined;
  /** Of the statement that runs; nothing comes between its answer and the word of it. */
  readonly #span: StatementSpan = { start: 0, end: 0 };

  /**
   * @param inner traces
   * @param direct what it traces: asked for an answer at once where the channel of the traces has no subscribers
   */
  constructor(inner: DirectExecutor, observer: StatementObserver, direct: DirectExecutor) {
    this.#inner = inner;
    this.#observer = observer;
    const isQuick = direct.tryExecute !== undefined && observer.isReal;
    this.#quick = isQuick ? (direct as Required<DirectExecutor>) : undefined;
  }

  /** What is answered at once costs no promise and no look at the clock more: that is most reads of SQLite. */
  async execute<Row>(query: CompiledQuery<Row>, options?: StatementOptions): Promise<QueryResult<Row>> {
    const quick = this.#quick;
    if (options !== undefined || quick === undefined || queryChannel.hasSubscribers) {
      // Awaited here, and below: behind a promise that is handed on, no stack would show the caller.
      const later = await this.#executeLater(query, options);
      return later;
    }
    const span = this.#span;
    let answer: QueryResult<Row> | undefined;
    try {
      answer = quick.tryExecute(query, span);
    } catch (error) {
      this.#observer.tellFailure(query, span, error);
      throw error;
    }
    if (answer === undefined) answer = await this.#executeLater(query, options);
    else this.#observer.tellAnswer(query, span, answer);
    return answer;
  }

  async batch(queries: readonly CompiledQuery[]): Promise<readonly QueryResult<unknown>[]> {
    const statements = this.#observer.begin('batch');
    let answers: readonly QueryResult<unknown>[];
    try {
      answers = await this.#inner.batch(queries, statements);
    } catch (error) {
      statements.settleAll(queries, () => ({ error }));
      throw error;
    }
    statements.settleAll(queries, (index) => outcomeOf(answers[index]!));
    return answers;
  }

  async #executeLater<Row>(
    query: CompiledQuery<Row>,
    options: StatementOptions | undefined,
  ): Promise<QueryResult<Row>> {
    const statement = this.#observer.begin('single');
    let answer: QueryResult<Row>;
    try {
      answer = await this.#inner.execute(query, { signal: options?.signal, timing: statement });
    } catch (error) {
      statement.settle(query, { error });
      throw error;
    }
    statement.settle(query, outcomeOf(answer));
    return answer;
  }
}

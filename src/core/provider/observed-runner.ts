import type { CompiledQuery, QueryResult } from 'kysely';
import type { StatementRunner } from '../query/statement-target.ts';
import { outcomeOf, type StatementObserver } from './statement-observer.ts';
import type { TransactionConnection } from './transaction-connection.ts';

/** Times the statements of a scope that go past Kysely. It stands there only where somebody listens. */
export class ObservedRunner implements StatementRunner {
  readonly #inner: TransactionConnection;
  readonly #observer: StatementObserver;
  readonly #transaction: number;

  constructor(inner: TransactionConnection, observer: StatementObserver, transaction: number) {
    this.#inner = inner;
    this.#observer = observer;
    this.#transaction = transaction;
  }

  async execute<Row>(query: CompiledQuery<Row>): Promise<QueryResult<Row>> {
    const statement = this.#observer.begin('single', this.#transaction);
    let answer: QueryResult<Row>;
    try {
      answer = await this.#inner.execute(query, { timing: statement });
    } catch (error) {
      statement.settle(query, { error });
      throw error;
    }
    statement.settle(query, outcomeOf(answer));
    return answer;
  }
}

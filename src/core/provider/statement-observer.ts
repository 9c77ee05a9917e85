import type { CompiledQuery, QueryResult } from 'kysely';
import type { StatementSpan } from '../engine/direct-executor.ts';
import { systemClock, type Clock } from '../foundation/clock.ts';
import {
  TransactionAbortedError,
  TransactionClosedError,
  OutsideTransactionError,
} from '../foundation/errors/transaction-errors.ts';
import type { JoinedAudience, StatementEvent, StatementFacts } from '../foundation/statement-event.ts';
import { StatementTiming } from '../foundation/statement-timing.ts';

const none: readonly unknown[] = [];

/**
 * Times statements, and tells an audience of each one that took long enough for it. One that the library refuses
 * because of where it was asked for, as behind the end of its transaction, was none: nobody hears of it.
 */
export class StatementObserver {
  readonly #audience: JoinedAudience;
  readonly #clock: Clock;
  /** Of the statement that is told of; made once, since small reads are many. */
  readonly #answered: { -readonly [Fact in keyof Required<StatementFacts>]: StatementFacts[Fact] } = {
    sql: '',
    duration: 0,
    wait: 0,
    kind: 'single',
    rows: 0,
    affected: undefined,
    error: undefined,
    transaction: undefined,
    parameters: none,
    end: 0,
  };

  constructor(audience: JoinedAudience, clock: Clock) {
    this.#audience = audience;
    this.#clock = clock;
  }

  /** The time that statements are timed by, in ms. */
  now(): number {
    return this.#clock.monotonic();
  }

  /** Begins to time a statement. @param transaction the number of the one that it belongs to */
  begin(kind: StatementEvent['kind'], transaction?: number): ObservedStatement {
    return new ObservedStatement(this, this.#clock, kind, transaction);
  }

  /** Whether its time is that of the engines, which is real: what statements take is, whatever a test's clock says. */
  get isReal(): boolean {
    return this.#clock === systemClock;
  }

  /** Tells of a statement that was answered at once. */
  tellAnswer(
    { sql, parameters }: CompiledQuery,
    { start, end }: StatementSpan,
    answer: QueryResult<unknown>,
  ): void {
    const duration = end - start;
    if (duration < this.#audience.threshold) return;
    const facts = this.#answered;
    facts.sql = sql;
    facts.duration = duration;
    facts.rows = answer.rows.length;
    facts.affected = affectedBy(answer);
    facts.parameters = parameters;
    facts.end = end;
    this.#audience.tell(facts);
    // A value must not stay here for longer than its statement.
    facts.parameters = none;
  }

  /** Tells of a statement that failed at once. @param span ends before it begins where it did not even run */
  tellFailure({ sql, parameters }: CompiledQuery, { start, end }: StatementSpan, error: unknown): void {
    const duration = Math.max(0, end - start);
    if (duration < this.#audience.threshold || isRefusal(error)) return;
    this.#audience.tell({ sql, duration, wait: 0, kind: 'single', parameters, error, end: start + duration });
  }

  /** Tells of a statement that was over at its `end`. */
  tell({ sql, parameters }: CompiledQuery, statement: ObservedStatement, outcome: StatementOutcome): void {
    const { kind, transaction, end } = statement;
    const duration = statement.durationUntil(end);
    if (duration < this.#audience.threshold || isRefusal(outcome.error)) return;
    const wait = Math.min(duration, statement.waitedUntil(end));
    const told = this.isReal ? end : undefined;
    this.#audience.tell({ sql, duration, wait, kind, transaction, parameters, ...outcome, end: told });
  }
}

/** How a statement has ended. */
export type StatementOutcome = Pick<StatementEvent, 'rows' | 'affected' | 'error'>;

/** A statement, or the statements of a batch, from the call to the answer. */
export class ObservedStatement extends StatementTiming {
  readonly kind: StatementEvent['kind'];
  /** Found out while it runs, where its caller does not know. */
  transaction: number | undefined;
  /** When it was over, on the monotonic clock. */
  end = 0;
  readonly #observer: StatementObserver;
  readonly #start: number;
  /** How long its reader had the turn, in ms. */
  #rested = 0;
  #restingSince: number | undefined;

  constructor(
    observer: StatementObserver,
    clock: Clock,
    kind: StatementEvent['kind'],
    transaction: number | undefined,
  ) {
    super(clock);
    this.kind = kind;
    this.transaction = transaction;
    this.#observer = observer;
    this.#start = observer.now();
  }

  /** From here on the reader of a stream has the turn, and the time is theirs. */
  rest(): void {
    this.#restingSince = this.#observer.now();
  }

  /** The database has the turn again. Harmless where it has it already. */
  goOn(): void {
    if (this.#restingSince === undefined) return;
    this.#rested += this.#observer.now() - this.#restingSince;
    this.#restingSince = undefined;
  }

  /** Tells of one statement. */
  settle(query: CompiledQuery, outcome: StatementOutcome): void {
    this.end = this.#observer.now();
    this.#observer.tell(query, this, outcome);
  }

  /** Tells of the members of a batch, which have their time in common. */
  settleAll(queries: readonly CompiledQuery[], find: (index: number) => StatementOutcome): void {
    this.end = this.#observer.now();
    for (const [index, query] of queries.entries()) this.#observer.tell(query, this, find(index));
  }

  /** From the call, in ms. */
  durationUntil(end: number): number {
    return end - this.#start - this.#rested;
  }
}

/** @returns what came back, as an event has it */
export function outcomeOf(answer: QueryResult<unknown>): StatementOutcome {
  return { rows: answer.rows.length, affected: affectedBy(answer) };
}

function affectedBy({ numAffectedRows }: QueryResult<unknown>): number | undefined {
  return numAffectedRows === undefined ? undefined : Number(numAffectedRows);
}

function isRefusal(error: unknown): boolean {
  return (
    error instanceof OutsideTransactionError ||
    error instanceof TransactionClosedError ||
    error instanceof TransactionAbortedError
  );
}

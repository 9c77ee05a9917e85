import type { Logger } from './logger.ts';
import { quietLogger } from './quiet-logger.ts';

/**
 * One statement that has run, or failed, for whoever counts, times or logs: directly, through Kysely, in a batch, in a
 * transaction, as a stream. It shows no parameter, however it is printed, written as JSON or copied.
 */
export interface StatementEvent {
  /** The text with its placeholders. */
  readonly sql: string;
  /**
   * From the call to the answer, waiting included, in ms; a member of a batch has the time of the whole batch. Of a
   * stream without the time that its reader took between the chunks.
   */
  readonly duration: number;
  /** How much of that it waited for a connection or for its turn, in ms; 0 where it did not wait. */
  readonly wait: number;
  /** Whether it went by itself, as a member of a batch, or as a stream. */
  readonly kind: 'single' | 'batch' | 'stream';
  /** How many rows came back, of a stream those that were read; undefined where a statement failed. */
  readonly rows?: number | undefined;
  /** How many rows it changed; undefined where the engine does not tell, or it failed. */
  readonly affected?: number | undefined;
  /** Why it failed, or what its caller aborted it with; undefined where it did not. */
  readonly error?: unknown;
  /** The number of its transaction in this process, from 1; undefined outside of one. */
  readonly transaction?: number | undefined;
}

/** Hears every statement. It must not throw; it runs between the database's answer and the caller. */
export type StatementListener = (event: StatementEvent) => void;

/** Takes note of statements, as `QueryMetrics` does. It must not throw. */
export interface StatementRecorder {
  /** Takes note of a statement that has run or failed. */
  record(event: StatementEvent): void;
  /** For the library's own: the same, without an event. */
  readonly [tally]?: ((facts: StatementFacts) => void) | undefined;
}

/** Names the method of a recorder that needs no event. No door has it: what it is given holds the parameters. */
export const tally = Symbol('takes the facts of a statement');

/** A listener, and what it wants to hear. Where nobody hears a statement, no event is made of it. */
export interface StatementAudience {
  /** Hears the statements. */
  readonly hear: StatementListener;
  /**
   * How long a statement has to take to be heard, in ms; 0 for all of them, infinity for none. Failures are no
   * exception. It may change; whoever changes it calls `noteThresholdChange`.
   */
  readonly threshold: number;
  /** In place of `hear`, for who takes the numbers of all statements and keeps nothing else: no event is made for it. */
  readonly tally?: ((facts: StatementFacts) => void) | undefined;
}

/** Everything that an event is made of. */
export interface StatementFacts extends StatementEvent {
  /** What went with the statement; only `parametersOf` finds it again. */
  readonly parameters: readonly unknown[];
  /** When it was over, in ms as `performance.now` has it; undefined where nobody has looked. */
  readonly end?: number | undefined;
}

class HeardStatement implements StatementEvent {
  readonly sql: string;
  readonly duration: number;
  readonly wait: number;
  readonly kind: StatementEvent['kind'];
  readonly rows: number | undefined;
  readonly affected: number | undefined;
  readonly error: unknown;
  readonly transaction: number | undefined;
  readonly #parameters: readonly unknown[];

  constructor(facts: StatementFacts) {
    this.sql = facts.sql;
    this.duration = facts.duration;
    this.wait = facts.wait;
    this.kind = facts.kind;
    this.rows = facts.rows;
    this.affected = facts.affected;
    this.error = facts.error;
    this.transaction = facts.transaction;
    this.#parameters = facts.parameters;
  }

  static parametersOf(event: StatementEvent): readonly unknown[] | undefined {
    return #parameters in event ? event.#parameters : undefined;
  }
}

/** Makes an event, which keeps the parameters to itself. */
function statementEvent(facts: StatementFacts): StatementEvent {
  return new HeardStatement(facts);
}

/**
 * Finds what went with a statement, for whoever redacts it: no door has this function, so that no listener of an
 * application's comes upon a value by chance.
 *
 * @returns undefined where the event was not made by `statementEvent`, as a copy of one
 */
export function parametersOf(event: StatementEvent): readonly unknown[] | undefined {
  return HeardStatement.parametersOf(event);
}

/** Changes with every threshold, so that nobody asks all audiences with each statement. */
let thresholdChanges = 0;

/** Call it where the threshold of an audience has changed. */
export function noteThresholdChange(): void {
  thresholdChanges += 1;
}

/** Everybody who hears statements, as whoever times them sees it. */
export class JoinedAudience {
  /** The lowest threshold, as it was at so many changes. */
  #threshold = 0;
  #changes = -1;
  readonly #audiences: readonly StatementAudience[];
  readonly #tallies: readonly ((facts: StatementFacts) => void)[];

  /** @param audiences at least one */
  constructor(audiences: readonly StatementAudience[]) {
    this.#audiences = audiences.filter((audience) => audience.tally === undefined);
    this.#tallies = audiences.flatMap((audience) => audience.tally ?? []);
  }

  /** How long a statement has to take for anybody to hear of it, in ms. Asked each time: it may depend on the work that runs. */
  get threshold(): number {
    if (this.#changes !== thresholdChanges) {
      this.#changes = thresholdChanges;
      this.#threshold = this.#tallies.length > 0 ? 0 : this.#lowest();
    }
    return this.#threshold;
  }

  /** Tells those who want to hear of it. An event is made only where one of them wants that. */
  tell(facts: StatementFacts): void {
    for (const take of this.#tallies) take(facts);
    let event: StatementEvent | undefined;
    for (const audience of this.#audiences) {
      if (facts.duration >= audience.threshold) audience.hear((event ??= statementEvent(facts)));
    }
  }

  #lowest(): number {
    let lowest = Number.POSITIVE_INFINITY;
    for (const { threshold } of this.#audiences) if (threshold < lowest) lowest = threshold;
    return lowest;
  }
}

/**
 * Makes one audience of several, each of which goes on to hear what it wants.
 *
 * @returns undefined where there is nobody, so that nothing has to be measured
 */
export function joinAudiences(audiences: readonly StatementAudience[]): JoinedAudience | undefined {
  return audiences.length === 0 ? undefined : new JoinedAudience(audiences);
}

/**
 * Keeps a listener of the application's from making a failure of a statement that was a success, as whoever
 * wrote would then write again: what it throws goes to the logger.
 *
 * @returns a listener that does not throw
 */
export function guardStatementListener(listener: StatementListener, logger: Logger): StatementListener {
  const quiet = quietLogger(logger);
  const report = (error: unknown): void => quiet.error({ error }, 'onStatement has thrown');
  return (event) => {
    try {
      const answer: unknown = listener(event);
      // An async function fits the type as well.
      if (answer instanceof Promise) answer.catch(report);
    } catch (error) {
      report(error);
    }
  };
}

/** The same for a recorder, which may be the application's own. */
export function guardStatementRecorder(recorder: StatementRecorder, logger: Logger): StatementAudience {
  const quiet = quietLogger(logger);
  const guard =
    <Fact>(take: (fact: Fact) => unknown): ((fact: Fact) => void) =>
    (fact) => {
      try {
        const answer = take(fact);
        if (answer instanceof Promise) answer.catch(report);
      } catch (error) {
        report(error);
      }
    };
  const report = (error: unknown): void => quiet.error({ error }, 'the recorder of statements has thrown');
  const takeFacts = recorder[tally]?.bind(recorder);
  return {
    hear: guard((event: StatementEvent) => recorder.record(event)),
    threshold: 0,
    tally: takeFacts && guard(takeFacts),
  };
}

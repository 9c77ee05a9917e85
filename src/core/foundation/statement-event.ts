import type { Logger } from './logger.ts';

/** A statement that has run, for whoever counts, times or logs. It holds no parameter. */
export interface StatementEvent {
  /** The text with its placeholders. */
  readonly sql: string;
  /** From the call to the answer, in ms; a member of a batch has the time of the whole batch. */
  readonly duration: number;
  /** How many rows came back; undefined where it failed, was streamed, or the engine's path does not tell. */
  readonly rows?: number | undefined;
  /** Why it failed; undefined where it did not. */
  readonly error?: unknown;
}

/** Hears every statement. It must not throw; it runs between the database's answer and the caller. */
export type StatementListener = (event: StatementEvent) => void;

/**
 * Keeps a listener of the application's from making a failure of a statement that was a success, as whoever
 * wrote would then write again: what it throws goes to the logger.
 *
 * @returns a listener that does not throw
 */
export function guardStatementListener(listener: StatementListener, logger: Logger): StatementListener {
  return (event) => {
    try {
      listener(event);
    } catch (error) {
      logger.error({ error, sql: event.sql }, 'onStatement has thrown');
    }
  };
}

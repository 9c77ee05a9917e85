import type { Logger } from '../../foundation/logger.ts';
import type { SagaDirection } from './saga-tables.ts';

/** What happened to a saga; the journal has it already. */
export type SagaEventType =
  | 'started'
  | 'taken-over'
  | 'step-done'
  | 'step-failed'
  | 'compensating'
  | 'completed'
  | 'compensated'
  | 'stuck'
  | 'interrupted'
  | 'lease-lost';

/** Something that a runner did, for logs and counters. */
export interface SagaEvent {
  /** What happened. */
  readonly type: SagaEventType;
  /** The name of the saga. */
  readonly saga: string;
  /** Its id. */
  readonly sagaId: string;
  /** The step that it is about; undefined where it is about the saga as a whole. */
  readonly step: string | undefined;
  /** Whether that step was done or undone. */
  readonly direction: SagaDirection | undefined;
  /** How often that step was begun so far. */
  readonly attempt: number | undefined;
  /** Whether the step that failed is tried again. */
  readonly willRetry: boolean | undefined;
  /** What was thrown, where something was. */
  readonly error: unknown;
}

/** Hears what a runner does, and is not waited for. What it throws, now or later, is logged and changes nothing. */
export type SagaListener = (event: SagaEvent) => unknown;

/** An event as it is told: what does not apply is left out. */
export type SagaNews = Pick<SagaEvent, 'type' | 'saga' | 'sagaId'> & Partial<SagaEvent>;

/** Fills in what was left out, and keeps a listener that throws from doing harm. */
export function guardSagaListener(
  listener: SagaListener | undefined,
  logger: Logger,
): (news: SagaNews) => void {
  if (listener === undefined) return () => {};
  return ({ step, direction, attempt, willRetry, error, ...rest }) => {
    const report = (thrown: unknown) =>
      logger.error({ error: thrown, event: rest.type }, 'onEvent of a saga runner has thrown');
    try {
      const heard: unknown = listener(Object.freeze({ ...rest, step, direction, attempt, willRetry, error }));
      // The type takes an asynchronous function as well, and a rejection that nobody handles ends the process.
      if (heard instanceof Promise) heard.catch(report);
    } catch (thrown) {
      report(thrown);
    }
  };
}

import { systemClock } from '../foundation/clock.ts';
import { silentLogger, type Logger } from '../foundation/logger.ts';
import type { DatabaseProvider } from './database-provider.ts';
import type { CloseOptions } from './lifecycle-options.ts';
import { checkDeadline } from './deadline.ts';

/** What can be closed: a provider, or whatever closes one. */
export type Closable = Pick<DatabaseProvider<unknown>, 'close'>;

/** How a process ends. */
export interface CloseOnSignalOptions extends CloseOptions {
  /** On which signals; SIGTERM and SIGINT by default. */
  readonly signals?: readonly NodeJS.Signals[];
  /** Whether the process ends once all are closed. True by default. */
  readonly exit?: boolean;
  /** Is told of the signal, and why a provider could not be closed. Silent by default. */
  readonly logger?: Logger;
}

const defaultDeadline = 10_000;

/**
 * Closes providers when the process is told to end, and then ends it: with code 0 where everything under way
 * came to its end within the deadline, else with 1. A second signal ends it at once, with 128 and the number
 * of the signal.
 *
 * It stops no server: what keeps asking for work is refused with PoolClosedError. Where something must be
 * stopped before, handle the signal yourself and call `close`.
 *
 * @param providers one, or several that are closed side by side
 * @param options `deadline` in ms as for `close`; `exit: false` leaves the ending to the application
 * @returns takes the listeners off again
 * @throws ValidationError where the deadline is none
 * @example
 * const provider = DatabaseProviderFactory.createProvider<Tables>('sqlite:./app.db');
 * closeOnSignal(provider, { deadline: 5_000 });
 */
export function closeOnSignal(
  providers: Closable | readonly Closable[],
  options: CloseOnSignalOptions = {},
): () => void {
  const { signals = ['SIGTERM', 'SIGINT'], deadline = defaultDeadline, exit = true } = options;
  const { logger = silentLogger } = options;
  checkDeadline(deadline);
  const closables = [providers].flat() as readonly Closable[];
  let isClosing = false;
  const onSignal = (signal: NodeJS.Signals, number: number) => {
    if (isClosing) {
      if (exit) process.exit(128 + number);
      return;
    }
    isClosing = true;
    logger.info({ signal, deadline }, 'closing the database');
    void closeAll(closables, deadline, logger).then((isClean) => {
      // A turn later, so that whoever waits for a last answer hears it before the process ends.
      if (exit) setImmediate(() => process.exit(isClean ? 0 : 1));
    });
  };
  for (const signal of signals) process.on(signal, onSignal);
  return () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
}

/** @returns whether all were closed, within the deadline */
async function closeAll(closables: readonly Closable[], deadline: number, logger: Logger): Promise<boolean> {
  const start = systemClock.monotonic();
  const outcomes = await Promise.allSettled(closables.map((closable) => closable.close({ deadline })));
  const failures = outcomes.filter((outcome) => outcome.status === 'rejected');
  for (const { reason } of failures) logger.error({ error: reason }, 'the database could not be closed');
  return failures.length === 0 && systemClock.monotonic() - start <= deadline;
}

import { AsyncLocalStorage } from 'node:async_hooks';
import { currentActor } from '../foundation/actor-context.ts';
import { escapeControls } from '../foundation/escape-controls.ts';
import { silentLogger, type Logger } from '../foundation/logger.ts';
import { quietLogger } from '../foundation/quiet-logger.ts';
import { noteThresholdChange, type StatementAudience } from '../foundation/statement-event.ts';
import { consoleLogger } from './console-logger.ts';
import {
  checkNPlusOneOptions,
  StatementRepeats,
  type NPlusOneFinding,
  type NPlusOneOptions,
} from './statement-repeats.ts';
import { statementText } from './statement-fields.ts';

/** How a piece of work is watched. */
export interface NPlusOneWatchOptions extends NPlusOneOptions {
  /** Where repeats are warned of; the console by default. */
  readonly logger?: Pick<Logger, 'warn'>;
}

/** What was found while some work ran. */
export interface WatchedWork<Result> {
  readonly result: Result;
  readonly findings: readonly NPlusOneFinding[];
  /** How many statements were heard of; 0 where no provider tells of its statements. */
  readonly heard: number;
}

const watches = new AsyncLocalStorage<StatementRepeats>();
let running = 0;

/** Tells the watch around a statement of it. Every provider with an audience has it; while nobody watches it hears none. */
export const nPlusOneWatches: StatementAudience = {
  get threshold() {
    return running > 0 ? 0 : Infinity;
  },
  hear(event) {
    watches.getStore()?.note(event);
  },
};

/**
 * Runs work, and warns at its end of each statement that ran in it again and again with other parameters only: the sign
 * of a loop that asks for row after row. It hears the statements of every provider that somebody listens to, as the log
 * of slow queries does by default. The members of a batch do not count. It changes nothing of the work.
 *
 * @param work what is watched, with all that it starts and waits for
 * @param options `limit`, how often a statement may run (10 by default); `ignore`, fingerprints that may run as often as
 *   they like; `logger`, the console by default
 * @returns what the work gives
 * @throws what the work throws; ValidationError with every fault of the options
 * @example
 * const page = await watchNPlusOne(() => renderThreads(user), { limit: 20 });
 */
export async function watchNPlusOne<Result>(
  work: () => Promise<Result>,
  options: NPlusOneWatchOptions = {},
): Promise<Result> {
  const { logger = consoleLogger } = options;
  const quiet = quietLogger({ ...silentLogger, warn: logger.warn.bind(logger) });
  const { result, findings } = await collectRepeats(work, options);
  for (const finding of findings) warnOfRepeats(quiet, finding);
  return result;
}

/** The same without a word, for whoever decides what becomes of it. @throws as `watchNPlusOne` */
export async function collectRepeats<Result>(
  work: () => Promise<Result>,
  options: NPlusOneOptions,
): Promise<WatchedWork<Result>> {
  checkNPlusOneOptions(options);
  const repeats = new StatementRepeats(options);
  running += 1;
  noteThresholdChange();
  try {
    const result = await watches.run(repeats, work);
    return { result, findings: repeats.findings, heard: repeats.heard };
  } finally {
    running -= 1;
    noteThresholdChange();
  }
}

/** Warns of one statement. */
export function warnOfRepeats(
  logger: Pick<Logger, 'warn'>,
  finding: NPlusOneFinding,
  transaction?: number,
): void {
  const { fingerprint, query, count, callSite } = finding;
  const requestId = currentActor()?.requestId;
  logger.warn(
    {
      fingerprint,
      query: statementText(query),
      count,
      ...(callSite !== undefined && { callSite: escapeControls(callSite) }),
      ...(transaction !== undefined && { transaction }),
      ...(requestId !== undefined && { requestId: escapeControls(requestId) }),
    },
    'the same query ran again and again (N+1)',
  );
}

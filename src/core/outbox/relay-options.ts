import { systemClock, type Clock } from '../foundation/clock.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import { silentLogger, type Logger } from '../foundation/logger.ts';
import { quietLogger } from '../foundation/quiet-logger.ts';
import { checkName } from './new-message.ts';
import type { OutboxMessage } from './outbox-message.ts';
import type { RelayEvent } from './relay-event.ts';

/** What `deliver` is told beside the message. */
export interface DeliveryContext {
  /** Aborts with a DeliveryAbortedError where the delivery should stop: its time is up, or its lease is lost. */
  readonly signal: AbortSignal;
  /** Which delivery of the message this is, from 1. */
  readonly attempt: number;
}

/** When a delivery that failed is tried again. */
export interface DeliveryRetryOptions {
  /** How often a message is delivered at most, from 1; then it is a dead letter. 10 by default. */
  readonly attempts?: number;
  /** The pause behind the first failure, in ms from 1; it doubles with each one, less up to a half at random. 1,000 by default. */
  readonly baseDelay?: number;
  /** The longest pause, in ms, from `baseDelay`. 300,000 by default. */
  readonly maxDelay?: number;
}

/** How a relay works. Times in ms. */
export interface RelayOptions<Topics extends object = Record<string, unknown>> {
  /**
   * Delivers a message: the message counts as delivered when the promise resolves, and comes again when it
   * rejects. It is called outside of every transaction.
   */
  readonly deliver: (message: OutboxMessage<Topics>, context: DeliveryContext) => Promise<unknown>;
  /** The topics that it delivers; all by default. */
  readonly topics?: readonly (keyof Topics & string)[];
  /** How many messages are delivered at once, from 1 to 1,000. 10 by default. */
  readonly concurrency?: number;
  /** How long a relay may be silent before another one delivers its messages, from 50. 30,000 by default. */
  readonly leaseDuration?: number;
  /** How often it looks for messages where nothing wakes it, from 10. 1,000 by default. */
  readonly pollInterval?: number;
  /** How long one delivery may take, from 1. 60,000 by default. */
  readonly deliverTimeout?: number;
  /** When a delivery that failed is tried again. */
  readonly retry?: DeliveryRetryOptions;
  /** Hears what happens, and is not waited for. What it throws, now or later, is logged and changes nothing. */
  readonly onEvent?: (event: RelayEvent<Topics>) => void;
  /** Where time comes from; the machine's by default. */
  readonly clock?: Clock;
  /** Hears what goes wrong. Silent by default. */
  readonly logger?: Logger;
}

/** The options, complete. */
export interface RelaySettings {
  readonly deliver: (message: OutboxMessage, context: DeliveryContext) => Promise<unknown>;
  readonly topics: ReadonlySet<string> | undefined;
  readonly concurrency: number;
  readonly leaseDuration: number;
  readonly pollInterval: number;
  readonly deliverTimeout: number;
  readonly retry: Required<DeliveryRetryOptions>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tell: (event: RelayEvent) => void;
}

const longest = 24 * 60 * 60 * 1_000;

/** @throws ValidationError with every fault */
export function relaySettingsOf<Topics extends object>(options: RelayOptions<Topics>): RelaySettings {
  const { topics, clock = systemClock, onEvent } = options;
  const logger = quietLogger(options.logger ?? silentLogger);
  const issues: Issue[] = [];
  const whole = (path: readonly string[], value: number, least: number, most: number): number => {
    if (!Number.isInteger(value) || value < least || value > most) {
      issues.push({ path, message: `must be an integer from ${least} to ${most}` });
    }
    return value;
  };
  if (typeof options.deliver !== 'function')
    issues.push({ path: ['deliver'], message: 'must be a function' });
  for (const topic of topics ?? []) checkName(topic, 'topics', issues);
  const { attempts = 10, baseDelay = 1_000, maxDelay = Math.max(300_000, baseDelay) } = options.retry ?? {};
  const settings: RelaySettings = {
    deliver: options.deliver as RelaySettings['deliver'],
    topics: topics === undefined ? undefined : new Set(topics),
    concurrency: whole(['concurrency'], options.concurrency ?? 10, 1, 1_000),
    leaseDuration: whole(['leaseDuration'], options.leaseDuration ?? 30_000, 50, longest),
    pollInterval: whole(['pollInterval'], options.pollInterval ?? 1_000, 10, longest),
    deliverTimeout: whole(['deliverTimeout'], options.deliverTimeout ?? 60_000, 1, longest),
    retry: {
      attempts: whole(['retry', 'attempts'], attempts, 1, 1_000_000),
      baseDelay: whole(['retry', 'baseDelay'], baseDelay, 1, longest),
      maxDelay: whole(['retry', 'maxDelay'], maxDelay, baseDelay, longest),
    },
    clock,
    logger,
    tell: guard(onEvent as ((event: RelayEvent) => void) | undefined, logger),
  };
  if (issues.length > 0) throw new ValidationError(issues);
  return settings;
}

/** Keeps what a listener throws, now or later, from becoming a failure of a delivery. */
function guard(
  onEvent: ((event: RelayEvent) => void) | undefined,
  logger: Logger,
): (event: RelayEvent) => void {
  if (onEvent === undefined) return () => {};
  return (event) => {
    const report = (error: unknown) => logger.error({ error, event: event.type }, 'onEvent has thrown');
    try {
      const heard: unknown = onEvent(event);
      // The type takes an asynchronous function as well, and a rejection that nobody handles ends the process.
      if (heard instanceof Promise) heard.catch(report);
    } catch (error) {
      report(error);
    }
  };
}

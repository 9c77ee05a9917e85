import { silentLogger, type Logger } from '../foundation/logger.ts';
import { guardPoolListener, silentPoolListener, type PoolListener } from '../foundation/pool-event.ts';
import { consoleLogger } from '../metrics/console-logger.ts';

/** Who may hear of a pool. */
export interface PoolListenerOptions {
  /** Is told of leaks by the pool itself. */
  readonly logger?: Logger;
  readonly onPoolEvent?: PoolListener;
}

/**
 * Gathers who hears the events of a pool. Whoever has set `pool.leakThreshold` wants to hear of leaks: without a logger
 * they are written to the console.
 */
export function poolListenerOf({ logger, onPoolEvent }: PoolListenerOptions): PoolListener {
  const hear = onPoolEvent && guardPoolListener(onPoolEvent, logger ?? silentLogger);
  if (logger !== undefined) return hear ?? silentPoolListener;
  return (event) => {
    if (event.type === 'leak') {
      const { heldFor, stack } = event;
      consoleLogger.warn({ heldFor, stack }, 'A connection is held for longer than pool.leakThreshold');
    }
    hear?.(event);
  };
}

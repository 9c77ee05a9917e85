import { monitorEventLoopDelay } from 'node:perf_hooks';

/**
 * Watches for how long the event loop does not turn. `stop` gives a percentile of the gaps in ms, the longest one by
 * default.
 */
export function watchEventLoop(): { stop(percentile?: number): number } {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  return {
    stop(percentile = 100) {
      delays.disable();
      return delays.percentile(percentile) / 1e6;
    },
  };
}

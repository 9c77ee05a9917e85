import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Watches for how long the event loop does not turn. `stop` gives the longest gap in ms. */
export function watchEventLoop(): { stop(): number } {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  return {
    stop() {
      delays.disable();
      return delays.max / 1e6;
    },
  };
}

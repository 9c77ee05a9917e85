/**
 * Lets the event loop turn once. A program that only awaits answers that are there already never leaves the
 * microtask queue: its timers and sockets starve, and whatever ends with the turn never ends. No contender may
 * profit from that, so all of them turn alike, inside the measured time.
 */
export function turnEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Longer than this, in ms, nothing of the process has run: it was held up, as by other work of the machine. */
const longestTurn = 20;

let passed = 0;
let last = performance.now();

setInterval(() => {
  const now = performance.now();
  passed += Math.min(now - last, longestTurn);
  last = now;
}, 5).unref();

/**
 * The time of this process, in ms, without that in which it was held up: whether it keeps its deadlines can be told by
 * it on a busy machine as well. What keeps the event loop from turning is not counted either.
 */
export function runningTime(): number {
  return passed + Math.min(performance.now() - last, longestTurn);
}

let running: Promise<void> | undefined;

/**
 * The turn of the event loop that runs: it is over when the microtasks of everybody who asked within it are through.
 * All who ask within one turn get the same, since a call of `setImmediate` for each costs as much as a small write.
 *
 * @returns resolves once it is over
 */
export function loopTurn(): Promise<void> {
  running ??= new Promise((resolve) => {
    setImmediate(() => {
      running = undefined;
      resolve();
    });
  });
  return running;
}

/** Whether a turn that `loopTurn` gave still runs. */
export function isRunning(turn: Promise<void>): boolean {
  return turn === running;
}

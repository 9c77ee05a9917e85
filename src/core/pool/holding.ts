import { AsyncLocalStorage } from 'node:async_hooks';

/** A piece of work, and which waiting lines it holds a permit of. */
interface TrackedWork {
  readonly held: Set<object>;
  /** The work that it runs in. What that holds, this holds too. */
  around: TrackedWork | undefined;
}

/**
 * The running work, by the async context. Whoever holds a permit and would have to wait for another of the
 * same line may be waiting for itself.
 */
const works = new AsyncLocalStorage<TrackedWork | undefined>();

/** Runs work whose permits are remembered: its own, and those of the work around it. */
export function trackHoldings<Result>(work: () => Result): Result {
  return works.run(trackedWork(), work);
}

/**
 * The same for the rest of the running function and what it calls, in place of a piece of work: for a driver, whose
 * caller runs the work.
 */
export function enterHoldings(): void {
  works.enterWith(trackedWork());
}

/** Calls work, and ends with its call what that enters by `enterHoldings`. */
export function confineHoldings<Result>(work: () => Result): Result {
  const before = works.getStore();
  try {
    return work();
  } finally {
    works.enterWith(before);
  }
}

/** What holds nothing is left out: it would grow a chain where each work is begun by what the last one left. */
function trackedWork(): TrackedWork {
  const around = holdingFrom(works.getStore());
  if (around !== undefined) around.around = holdingFrom(around.around);
  return { held: new Set(), around };
}

function holdingFrom(work: TrackedWork | undefined): TrackedWork | undefined {
  let holding = work;
  while (holding?.held.size === 0) holding = holding.around;
  return holding;
}

/** Whether the running work holds a permit of a line. */
export function isHolding(line: object): boolean {
  for (let work = works.getStore(); work !== undefined; work = work.around) {
    if (work.held.has(line)) return true;
  }
  return false;
}

/**
 * Notes that the running work has got a permit of a line. Nothing is noted where no work is tracked, nor
 * twice for one work.
 *
 * @returns the notes that have the new one, for `forgetHolding`; undefined where nothing was noted
 */
export function noteHolding(line: object): Set<object> | undefined {
  const held = works.getStore()?.held;
  if (held === undefined || held.has(line)) return undefined;
  return held.add(line);
}

/**
 * How many frames are looked through. Those of the library and of Kysely come first: a statement in a transaction of a
 * repository has about twenty.
 */
const deepest = 64;

/** Where the library's own code lies: its sources, or what is published of it. */
const ownFolder = /^(.*\/(?:src|dist)\/)/u.exec(import.meta.url)?.[1] ?? import.meta.url;

/**
 * Finds who called: the first frame that is neither the library's, nor of a package, nor of Node. It takes a stack, which
 * costs some ten microseconds, so it is for what happens rarely. Behind an await it follows the promises to who waits for
 * them; where nobody does, or in some other way than `await`, it finds nobody. In an application that is bundled into one
 * file with the library, nobody can be told apart.
 *
 * @param stack one that was taken before; that of the running code by default
 * @returns the frame, as `loadThreads (file:///app/threads.ts:12:5)`
 */
export function findCallSite(stack: string = takeStack()): string | undefined {
  for (const line of stack.split('\n')) {
    const frame = framePattern.exec(line)?.[1];
    if (frame !== undefined && !isForeign(frame)) return frame;
  }
  return undefined;
}

const framePattern = /^\s+at (?:async )?(.*)$/u;

function isForeign(frame: string): boolean {
  // `native` and `<anonymous>` have no place, and that of an `eval` tells nobody where to look.
  if (!/:\d+:\d+\)?$/u.test(frame) || frame.startsWith('eval ')) return true;
  return frame.includes(ownFolder) || frame.includes('/node_modules/') || /(?:^|\()node:/u.test(frame);
}

function takeStack(): string {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = deepest;
  try {
    return new Error().stack ?? '';
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

import { turnEventLoop } from './turn.ts';

/** How many calls a caller makes in a row before the event loop turns: about one request of a server. */
export const callsPerTurn = 8;

/** How many callers there are at once. */
export const crowd = 64;

/**
 * How a task calls.
 *
 * @param inputs one a call, drawn before the time runs
 * @returns how long each call took that the task watches, in ms; empty where it watches none
 */
export type Loop = <Input>(
  inputs: readonly Input[],
  call: (input: Input) => Promise<unknown>,
  isWatched: (input: Input) => boolean,
) => Promise<readonly number[]>;

/** One caller, one call after the other. @param every how many calls one turn of the event loop has */
export function inSequence(every = callsPerTurn): Loop {
  return async (inputs, call) => {
    let number = 0;
    for (const input of inputs) {
      await call(input);
      number += 1;
      if (number % every === 0) await turnEventLoop();
    }
    return [];
  };
}

/** 64 calls at once, and when all are done the next 64, each burst in a turn of its own. */
export const inBursts: Loop = async (inputs, call) => {
  for (let from = 0; from < inputs.length; from += crowd) {
    await Promise.all(inputs.slice(from, from + crowd).map(call));
    await turnEventLoop();
  }
  return [];
};

/**
 * 64 callers side by side. Each waits for its turn of the event loop before it calls, as a request does that
 * came over a socket; that wait is part of what its call took.
 */
export const inWorkers: Loop = async (inputs, call, isWatched) => {
  const waits: number[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < inputs.length) {
      const input = inputs[next]!;
      next += 1;
      const start = performance.now();
      await turnEventLoop();
      await call(input);
      if (isWatched(input)) waits.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: crowd }, work));
  return waits;
};

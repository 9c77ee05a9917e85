import type * as FastCheck from 'fast-check';

/** One step of a script. The steps of a list run one after the other, and a step that fails ends them. */
export type EscapeStep =
  /** By the handle of the scope, or by that of the scope around it; awaited, or left to itself. */
  | { readonly do: 'insert'; readonly by: 'own' | 'outer'; readonly isAwaited: boolean }
  | { readonly do: 'read' }
  /** Inserts a row in the loop over a stream, which is read to its end or broken off. */
  | { readonly do: 'stream'; readonly isBrokenOff: boolean }
  /** A statement that the database refuses; the failure ends the script or is swallowed. */
  | { readonly do: 'fail'; readonly isSwallowed: boolean }
  | { readonly do: 'throw' }
  /** Lets others go first. */
  | { readonly do: 'wait'; readonly microtasks: number }
  /** Inserts by the root handle, past the transaction. */
  | { readonly do: 'outside'; readonly isSwallowed: boolean }
  | { readonly do: 'hook'; readonly on: 'commit' | 'rollback'; readonly isThrowing: boolean }
  /** Steps in a nested scope. */
  | { readonly do: 'nest'; readonly steps: readonly EscapeStep[]; readonly isSwallowed: boolean }
  | EscapeBranches;

/** Branches at once: by `Promise.all`, whose first failure leaves the others running, or by `allSettled`. */
export interface EscapeBranches {
  readonly do: 'parallel';
  readonly branches: readonly EscapeSteps[];
  readonly waitsForAll: boolean;
  /** Whether steps wait for the scheduler; else they follow each other as fast as they can. */
  readonly isScheduled: boolean;
}

export type EscapeSteps = readonly EscapeStep[];

/** What one transaction does, and how often its handle is used once it has ended. */
export interface EscapeScript {
  readonly steps: EscapeSteps;
  /** As in `EscapeBranches`. */
  readonly isScheduled: boolean;
  readonly lateInserts: number;
}

/** Scripts that run at the same time. */
export type EscapeHistory = readonly EscapeScript[];

const deepest = 3;

/** Random histories: short ones, since a short one that fails tells most. */
export function arbitraryHistory(fc: typeof FastCheck): FastCheck.Arbitrary<EscapeHistory> {
  const script = fc.record({
    steps: arbitrarySteps(fc, 0),
    isScheduled: fc.boolean(),
    lateInserts: fc.nat({ max: 1 }),
  });
  return fc.array(script, { minLength: 1, maxLength: 3 });
}

function arbitrarySteps(fc: typeof FastCheck, depth: number): FastCheck.Arbitrary<EscapeSteps> {
  return fc.array(arbitraryStep(fc, depth), { minLength: 1, maxLength: depth === 0 ? 5 : 3 });
}

function arbitraryStep(fc: typeof FastCheck, depth: number): FastCheck.Arbitrary<EscapeStep> {
  const flag = fc.boolean();
  const step = <Step extends EscapeStep>(weight: number, arbitrary: FastCheck.Arbitrary<Step>) => ({
    weight,
    arbitrary: arbitrary as FastCheck.Arbitrary<EscapeStep>,
  });
  const by = fc.constantFrom('own' as const, 'own' as const, 'outer' as const);
  const simple = [
    step(6, fc.record({ do: fc.constant('insert' as const), by, isAwaited: flag })),
    step(1, fc.record({ do: fc.constant('read' as const) })),
    step(1, fc.record({ do: fc.constant('stream' as const), isBrokenOff: flag })),
    step(2, fc.record({ do: fc.constant('fail' as const), isSwallowed: flag })),
    step(1, fc.record({ do: fc.constant('throw' as const) })),
    step(2, fc.record({ do: fc.constant('wait' as const), microtasks: fc.nat({ max: 40 }) })),
    step(1, fc.record({ do: fc.constant('outside' as const), isSwallowed: flag })),
    step(
      1,
      fc.record({
        do: fc.constant('hook' as const),
        on: fc.constantFrom('commit' as const, 'rollback' as const),
        isThrowing: flag,
      }),
    ),
  ];
  if (depth === deepest) return fc.oneof(...simple);
  const steps = arbitrarySteps(fc, depth + 1);
  const branches = fc.array(steps, { minLength: 2, maxLength: 3 });
  return fc.oneof(
    ...simple,
    step(2, fc.record({ do: fc.constant('nest' as const), steps, isSwallowed: flag })),
    step(
      3,
      fc.record({
        do: fc.constant('parallel' as const),
        branches,
        waitsForAll: flag,
        isScheduled: flag,
      }),
    ),
  );
}

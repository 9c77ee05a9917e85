import { sleep, systemClock, type Clock } from '../../foundation/clock.ts';

/** What an engine is asked to do, in the places where faults can be put. */
export type DriverCallKind = 'acquire' | 'begin' | 'statement' | 'savepoint' | 'commit' | 'rollback';

/** One call of an engine, before it is made. */
export interface DriverCall {
  /** What it is. `statement` is one query, one chunk of a stream or one batch, inside of a transaction or not. */
  readonly kind: DriverCallKind;
  /** The SQL of a statement; undefined for everything else. */
  readonly sql: string | undefined;
}

/**
 * Is asked before each call of an engine. It throws to fail the call, which is then not made; it returns a promise to
 * delay it; and a promise that never settles lets it hang.
 */
export type FaultInjector = (call: DriverCall) => void | Promise<void>;

/**
 * Fails one call of a kind, and no other.
 *
 * @param number which one, counted from 1
 * @param kind of which kind
 * @param makeError makes what the call throws: an error as the engine would throw it
 * @returns an injector, for `withFaults`
 * @example
 * const injector = failNth(1, 'commit', () => new SerializationFailureError('a fault of the test'));
 */
export function failNth(number: number, kind: DriverCallKind, makeError: () => Error): FaultInjector {
  return atNth(number, kind, () => {
    throw makeError();
  });
}

/**
 * Delays one call of a kind, and no other.
 *
 * @param number which one, counted from 1
 * @param kind of which kind
 * @param delay in ms
 * @param clock where time comes from; the machine's by default
 * @returns an injector, for `withFaults`
 */
export function delayNth(
  number: number,
  kind: DriverCallKind,
  delay: number,
  clock: Clock = systemClock,
): FaultInjector {
  return atNth(number, kind, () => sleep(clock, delay));
}

/**
 * Lets one call of a kind hang for ever, and no other. Its connection is not given back before the provider closes.
 *
 * @param number which one, counted from 1
 * @param kind of which kind
 * @returns an injector, for `withFaults`
 */
export function hangNth(number: number, kind: DriverCallKind): FaultInjector {
  return atNth(number, kind, () => new Promise<never>(() => {}));
}

function atNth(number: number, kind: DriverCallKind, fault: () => void | Promise<void>): FaultInjector {
  let count = 0;
  return (call) => {
    if (call.kind !== kind) return undefined;
    count += 1;
    return count === number ? fault() : undefined;
  };
}

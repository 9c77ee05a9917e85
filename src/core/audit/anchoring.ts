import type { Clock } from '../foundation/clock.ts';
import { ConnectionError, PoolClosedError } from '../foundation/errors/connection-errors.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { within } from '../foundation/within.ts';
import type { AuditAnchor } from './anchor.ts';
import type { AnchorSink } from './anchor-sinks.ts';

/** When and where anchors are kept. */
export interface AnchoringOptions {
  /** The time between two anchors, in ms from 1,000 to 86,400,000. The first one is made at once. */
  readonly every: number;
  /**
   * Who keeps them; each is given every anchor, whatever the others do. One that has not answered when the next anchor is
   * due counts as failed.
   */
  readonly to: AnchorSink | readonly AnchorSink[];
  /**
   * Hears what fails; the next anchor, which holds all that this one held and more, is tried at its time. What it throws
   * is nobody's.
   */
  readonly onError: (error: unknown) => void;
}

/** Anchors that are made from time to time. */
export interface Anchoring extends AsyncDisposable {
  /** Makes no more of them, and waits for the one that is under way. It also ends with the provider. */
  close(): Promise<void>;
}

const shortest = 1_000;
const longest = 86_400_000;

/** @throws ValidationError where the time is out of its range, or nobody hears of failures */
export function startAnchoring(
  makeAnchor: () => Promise<AuditAnchor>,
  clock: Clock,
  { every, to, onError }: AnchoringOptions,
): Anchoring {
  if (!Number.isFinite(every) || every < shortest || every > longest) {
    const message = `must be a number from ${shortest} to ${longest} ms`;
    throw new ValidationError([{ path: ['every'], message }]);
  }
  if (typeof onError !== 'function') {
    throw new ValidationError([{ path: ['onError'], message: 'must be a function, which hears what fails' }]);
  }
  const sinks = typeof to === 'function' ? [to] : to;
  const tell = (error: unknown): void => {
    try {
      onError(error);
    } catch {
      // There is nobody left to tell, and the next anchor must be made all the same.
    }
  };
  // Else one that never answers would be the end of all anchors, and of whoever waits for the close.
  const keepWithin = async (keep: AnchorSink, anchor: AuditAnchor): Promise<void> => {
    const keeping = (async () => (await keep(anchor), true))();
    if ((await within(clock, every, keeping)) !== undefined) return;
    throw new ConnectionError(
      `Who keeps the anchors of the audit trail did not answer within ${every} ms, so that one may not be kept.`,
    );
  };
  let isOpen = true;
  let cancel = (): void => {};
  const anchorOnce = async (): Promise<void> => {
    try {
      const anchor = await makeAnchor();
      const kept = await Promise.allSettled(sinks.map((keep) => keepWithin(keep, anchor)));
      for (const each of kept) if (each.status === 'rejected') tell(each.reason);
    } catch (error) {
      // Nobody will open it again.
      if (error instanceof PoolClosedError) isOpen = false;
      else tell(error);
    }
    if (isOpen) cancel = clock.schedule(every, run, { keepsAlive: false });
  };
  let running = Promise.resolve();
  const run = (): void => {
    running = anchorOnce();
  };
  run();
  const close = async (): Promise<void> => {
    isOpen = false;
    cancel();
    await running;
  };
  return { close, [Symbol.asyncDispose]: close };
}

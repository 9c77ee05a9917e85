import type { DirectExecutor } from '../engine/direct-executor.ts';

/** Runs statements that see what is committed at this moment. */
export type CommittedReads = Pick<DirectExecutor, 'execute'>;

const readsByProvider = new WeakMap<object, CommittedReads>();

/** Lets `committedReadsOf` find the reads of a provider. */
export function bindCommittedReads(provider: object, reads: CommittedReads | undefined): void {
  if (reads !== undefined) readsByProvider.set(provider, reads);
}

/**
 * Finds how to read what is committed at this moment, past the snapshot of whatever transaction runs around the code,
 * for the rooms above: it is no part of a provider's public face. It never waits for the pool.
 *
 * @returns undefined where a transaction that writes sees the latest state anyway
 */
export function committedReadsOf(provider: object): CommittedReads | undefined {
  return readsByProvider.get(provider);
}

import type { CompiledQuery } from 'kysely';
import type { Clock } from '../foundation/clock.ts';
import { ReadOnlyDatabaseError } from '../foundation/errors/transaction-errors.ts';
import type { CommitParticipant } from '../provider/commit-participant.ts';
import { afterCommitOf, afterEndOf, gatherForCommit } from '../provider/transaction-hooks.ts';
import type { HearOutcome } from '../provider/write-watch.ts';

/** A change that is asked for inside of a transaction. */
export interface JoiningChange {
  /** Begins it. */
  readonly begin: () => HearOutcome;
  /** What is committed with it. */
  readonly statements: readonly CompiledQuery[];
}

interface Joined extends JoiningChange {
  hear: HearOutcome | undefined;
  endDoubt: (() => void) | undefined;
  readonly limits: JoinLimits;
}

/** How long a change waits to hear of its end. */
export interface JoinLimits {
  readonly clock: Clock;
  /** In ms. */
  readonly uncertaintyWindow: number;
}

const participant: CommitParticipant<Joined> = {
  async beforeCommit(db, changes) {
    for (const change of changes) {
      for (const statement of change.statements) await db.executeQuery(statement);
      change.hear = change.begin();
      // Where nobody knows whether it was committed, no hook is called.
      const { clock, uncertaintyWindow } = change.limits;
      change.endDoubt = clock.schedule(uncertaintyWindow, () => void settle(change, 'unknown'), {
        keepsAlive: false,
      });
    }
  },
};

/**
 * Lets a change happen with the commit of the scope that a handle belongs to, and not at all where that is undone.
 *
 * @returns whether there is such a scope
 * @throws TransactionClosedError once its end has begun
 */
export function joinTransaction(handle: object, change: JoiningChange, limits: JoinLimits): boolean {
  const joined: Joined = { ...change, limits, hear: undefined, endDoubt: undefined };
  const keep = (): void | Promise<void> => {
    joined.hear ??= change.begin();
    return settle(joined, 'kept');
  };
  if (!afterCommitOf(handle as never, keep)) return false;
  afterEndOf(handle, () => settle(joined, 'undone'));
  try {
    gatherForCommit(handle, participant, joined);
  } catch (error) {
    // One that is read only writes nothing with its commit; it still has an end.
    if (!(error instanceof ReadOnlyDatabaseError)) throw error;
  }
  return true;
}

function settle(change: Joined, outcome: Parameters<HearOutcome>[0]): void | Promise<void> {
  const { hear } = change;
  change.hear = undefined;
  change.endDoubt?.();
  return hear?.(outcome);
}

import type { Kysely } from 'kysely';
import { decorrelatedJitter } from '../foundation/backoff.ts';
import { sleep, type Clock } from '../foundation/clock.ts';
import { isLiminalDataError } from '../foundation/errors/liminal-data-error.ts';
import { isClaimedMeanwhile, type MessageClaims } from './message-claims.ts';
import { leaseOf, messageLeases, type MessageLease } from './message-leases.ts';
import type { ClaimedMessage } from './outbox-message.ts';
import type { OutboxProvider } from './outbox-provider.ts';
import { outboxTablesOf, type OutboxTables } from './outbox-tables.ts';

/** What became of a message that was delivered. */
export interface Settled {
  /** Whether the lease still held, so that the message is gone. */
  readonly isGone: boolean;
  /** The next message of its key, leased in the same transaction. */
  readonly next: ClaimedMessage | undefined;
}

interface Member {
  readonly claim: ClaimedMessage;
  readonly wantsNext: boolean;
  readonly resolve: (settled: Settled) => void;
  readonly reject: (error: unknown) => void;
}

/** How many messages one transaction settles at most. */
const largestGroup = 100;
/** Between two attempts while the database is away, in ms. */
const pauses = { base: 20, cap: 1_000 };

/**
 * Notes deliveries. Those that end while others are being noted share the next transaction, and with it the
 * wait for the disk. While the database is away it tries again: to give up would mean to deliver again.
 */
export class Settlement {
  readonly #provider: OutboxProvider;
  readonly #claims: MessageClaims;
  readonly #clock: Clock;
  readonly #isHeld: (lease: MessageLease) => boolean;
  #waiting: Member[] = [];
  #isRunning = false;
  #isAbandoned = false;

  /** @param isHeld whether the relay knows of a lease of its own */
  constructor(
    provider: OutboxProvider,
    claims: MessageClaims,
    clock: Clock,
    isHeld: (lease: MessageLease) => boolean,
  ) {
    this.#provider = provider;
    this.#claims = claims;
    this.#clock = clock;
    this.#isHeld = isHeld;
  }

  /**
   * Notes that a message was delivered.
   *
   * @param wantsNext whether the next message of its key is leased with that
   */
  settle(claim: ClaimedMessage, wantsNext: boolean): Promise<Settled> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ claim, wantsNext: wantsNext && claim.message.key !== undefined, resolve, reject });
      if (!this.#isRunning) void this.#run();
    });
  }

  /** Tries nothing again from now on. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, largestGroup);
      try {
        const settled = await this.#settleUntilDone(group);
        for (const { claim, resolve } of group) resolve(settled(claim));
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#isRunning = false;
  }

  async #settleUntilDone(group: readonly Member[]): Promise<(claim: ClaimedMessage) => Settled> {
    const nextPause = decorrelatedJitter(pauses);
    for (let isRepeated = false; ; isRepeated = true) {
      try {
        return await this.#settleGroup(group, isRepeated);
      } catch (error) {
        if (this.#isAbandoned || !mayTryAgain(error)) throw error;
        await sleep(this.#clock, nextPause());
      }
    }
  }

  /** @param isRepeated whether it was tried before, and may have been committed */
  async #settleGroup(
    group: readonly Member[],
    isRepeated: boolean,
  ): Promise<(claim: ClaimedMessage) => Settled> {
    const leases = group.map(({ claim }) => leaseOf(claim));
    const lines = group.filter(({ wantsNext }) => wantsNext).map(({ claim }) => lineOf(claim));
    const settle = async (db: Kysely<OutboxTables>) => {
      const completed = await messageLeases.complete(db, leases);
      const gone = isRepeated ? await messageLeases.findGone(db, leases) : completed;
      if (lines.length === 0) return { gone, next: [] };
      const claimed = await this.#claims.claimHeadsOf(db, lines, this.#clock.now());
      if (!isRepeated) return { gone, next: claimed };
      const own = await this.#claims.findOwn(db, lines);
      return { gone, next: own.filter((claim) => !this.#isHeld(leaseOf(claim))) };
    };
    // One transaction, so that both share a commit and no other relay comes between.
    const { gone, next } =
      lines.length === 0
        ? await settle(outboxTablesOf(this.#provider.db))
        : await this.#provider.transaction((tx) => settle(outboxTablesOf(tx)), {
            isolation: 'read committed',
          });
    const nextOf = new Map(next.map((claim) => [nameOf(lineOf(claim)), claim]));
    return (claim) => ({
      isGone: gone.has(claim.message.id),
      next: claim.message.key === undefined ? undefined : nextOf.get(nameOf(lineOf(claim))),
    });
  }
}

interface Line {
  readonly topic: string;
  readonly key: string;
}

function lineOf({ message }: ClaimedMessage): Line {
  return { topic: message.topic, key: message.key as string };
}

function nameOf({ topic, key }: Line): string {
  return JSON.stringify([topic, key]);
}

/** What was deleted is not deleted twice, so that an unknown outcome is no reason to give up. */
function mayTryAgain(error: unknown): boolean {
  return (
    isClaimedMeanwhile(error) ||
    (isLiminalDataError(error) &&
      (error.retryable || isLiminalDataError(error, 'LIMINAL_COMMIT_OUTCOME_UNKNOWN')))
  );
}

import type { Kysely } from 'kysely';
import { deliverOnce, describeFailure, retryDelay } from './delivery.ts';
import type { HeldLease, HeldLeases } from './held-leases.ts';
import { leaseOf, messageLeases } from './message-leases.ts';
import type { ClaimedMessage } from './outbox-message.ts';
import type { OutboxProvider } from './outbox-provider.ts';
import { outboxTablesOf, type OutboxTables } from './outbox-tables.ts';
import type { RelaySettings } from './relay-options.ts';
import type { Settlement } from './settlement.ts';

/** How many messages of one key follow each other before other keys have their turn. */
const longestRun = 50;

/** What the lanes of a relay share. */
export interface LaneParts {
  readonly provider: OutboxProvider;
  readonly settings: RelaySettings;
  readonly leases: HeldLeases;
  readonly settlement: Settlement;
  /** Whether the relay takes nothing more on. */
  readonly isStopping: () => boolean;
}

/** How many deliveries came to which end. */
export interface DeliveryCounts {
  delivered: number;
  failed: number;
  dead: number;
}

interface TakenClaim {
  readonly claim: ClaimedMessage;
  /** When it was asked for, on the monotonic clock. */
  readonly since: number;
}

/** Delivers a message that was leased, and then those behind it in its key, one after the other. */
export class DeliveryLane {
  readonly #parts: LaneParts;
  readonly #counts: DeliveryCounts;

  /** @param counts is counted up */
  constructor(parts: LaneParts, counts: DeliveryCounts) {
    this.#parts = parts;
    this.#counts = counts;
  }

  /**
   * @param since when the lease was asked for, on the monotonic clock
   * @throws the errors of the database, where the end of a delivery could not be noted
   */
  async run(first: ClaimedMessage, since: number): Promise<void> {
    let taken: TakenClaim | undefined = { claim: first, since };
    for (let place = 1; taken !== undefined; place += 1) {
      // It was leased while the relay was told to stop, whose deadline may have passed: nobody would abort it.
      if (this.#parts.isStopping()) {
        await messageLeases.release(this.#db, leaseOf(taken.claim));
        return;
      }
      const isLast = place >= longestRun;
      taken = await this.#deliver(taken, () => !isLast && !this.#parts.isStopping());
    }
  }

  /** @returns the next message of the key, leased */
  async #deliver({ claim, since }: TakenClaim, wantsNext: () => boolean): Promise<TakenClaim | undefined> {
    const { settings, leases, settlement } = this.#parts;
    const { message, attempt } = claim;
    const lease = leases.hold(claim, since);
    try {
      if (claim.fault !== undefined) {
        await this.#giveUp(claim, lease, claim.fault);
        return undefined;
      }
      if (attempt > settings.retry.attempts) {
        await this.#giveUp(claim, lease, claim.lastError ?? ownerIsGone);
        return undefined;
      }
      const start = settings.clock.monotonic();
      const failure = await deliverOnce(settings, claim, lease).then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
      if (failure !== undefined) {
        await this.#fail(claim, lease, failure.error);
        return undefined;
      }
      const settledAt = settings.clock.monotonic();
      const { isGone, next } = await settlement.settle(claim, wantsNext());
      if (isGone) this.#counts.delivered += 1;
      settings.tell(
        isGone
          ? { type: 'delivered', message, attempt, duration: settledAt - start }
          : { type: 'lost', message, attempt },
      );
      return next === undefined ? undefined : { claim: next, since: settledAt };
    } finally {
      leases.drop(lease);
    }
  }

  async #fail(claim: ClaimedMessage, lease: HeldLease, error: unknown): Promise<void> {
    const { settings } = this.#parts;
    const { message, attempt } = claim;
    if (lease.isLost) {
      settings.tell({ type: 'lost', message, attempt });
      return;
    }
    if (lease.isAbandoned) {
      // It failed for the end of the relay, and for no reason of its own.
      await messageLeases.release(this.#db, lease);
      return;
    }
    if (attempt >= settings.retry.attempts) {
      await this.#giveUp(claim, lease, error);
      return;
    }
    const delay = retryDelay(settings.retry, attempt);
    const now = settings.clock.now();
    const failure = { error: describeFailure(error), failedAt: now };
    const isKept = await messageLeases.putOff(this.#db, lease, failure, now + delay);
    this.#counts.failed += 1;
    settings.tell(
      isKept ? { type: 'failed', message, attempt, error, delay } : { type: 'lost', message, attempt },
    );
  }

  async #giveUp(claim: ClaimedMessage, lease: HeldLease, error: unknown): Promise<void> {
    const { provider, settings } = this.#parts;
    const { message, attempt } = claim;
    const attempts = Math.min(attempt, settings.retry.attempts);
    const failure = { error: describeFailure(error), failedAt: settings.clock.now() };
    const isBuried = await provider.transaction(
      (tx) => messageLeases.bury(outboxTablesOf(tx), lease, failure, attempts),
      { isolation: 'read committed', retry: true },
    );
    if (!isBuried) {
      settings.tell({ type: 'lost', message, attempt });
      return;
    }
    this.#counts.dead += 1;
    settings.logger.warn(
      { id: message.id, topic: message.topic, attempts },
      'a message of the outbox became a dead letter',
    );
    settings.tell({ type: 'dead', message, attempt: attempts, error });
  }

  get #db(): Kysely<OutboxTables> {
    return outboxTablesOf(this.#parts.provider.db);
  }
}

const ownerIsGone = 'The process that delivered it ended, or gave no sign of life, at the last attempt.';

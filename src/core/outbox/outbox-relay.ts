import { createUuidSource } from '../domain/uuid.ts';
import type { Subscription } from '../engine/notifications.ts';
import { decorrelatedJitter } from '../foundation/backoff.ts';
import { isLiminalDataError } from '../foundation/errors/liminal-data-error.ts';
import { DeliveryAbortedError } from '../foundation/errors/outbox-errors.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { within } from '../foundation/within.ts';
import { checkDeadline } from '../provider/deadline.ts';
import { outside } from '../provider/transaction-context.ts';
import { DeliveryLane, type DeliveryCounts } from './delivery-lane.ts';
import { FairClaims, type ClaimRound } from './fair-claims.ts';
import { HeldLeases } from './held-leases.ts';
import { LeaseWatch } from './lease-watch.ts';
import { MessageClaims } from './message-claims.ts';
import { messageLeases } from './message-leases.ts';
import type { ClaimedMessage } from './outbox-message.ts';
import type { OutboxProvider } from './outbox-provider.ts';
import { outboxTablesOf } from './outbox-tables.ts';
import { hearPublications, publicationChannel } from './publications.ts';
import { relaySettingsOf, type RelayOptions, type RelaySettings } from './relay-options.ts';
import { Settlement } from './settlement.ts';
import { Upkeep } from './upkeep.ts';
import { WakeUp } from './wake-up.ts';

/** How a relay stops. */
export interface StopOptions {
  /** How long deliveries under way may take to end, in ms from 0 to 24 h; then they are aborted. 10,000 by default. */
  readonly deadline?: number;
}

/** What `runOnce` did. */
export type RunOnceReport = Readonly<DeliveryCounts>;

const defaultDeadline = 10_000;
/** How long aborted deliveries may take to be given back, in ms. */
const goodbyeLimit = 1_000;
/** Between two looks at the next keys, where there are many and none is due, in ms. */
const partialPause = 20;
/** Between two attempts while the database is away, in ms. */
const pauses = { base: 50, cap: 5_000 };

/**
 * Delivers what an Outbox has published: each message at least once, those of one topic and key in the order of
 * their commits and never two at a time. Any number of relays, in any number of processes, share the work. A message
 * that fails comes again behind a pause; those behind it in its key wait, and other keys go on. After the last
 * attempt it becomes a dead letter, and its key goes on.
 *
 * It does not deliver exactly once: whatever ends between a delivery and its note, it comes again. Let consumers
 * go through an Inbox. A relay that was started keeps its process alive until it is stopped.
 *
 * @example
 * await using relay = new OutboxRelay<Topics>(provider, { deliver: (message) => send(message) });
 * relay.start();
 */
export class OutboxRelay<Topics extends object = Record<string, unknown>> implements AsyncDisposable {
  readonly #provider: OutboxProvider;
  readonly #settings: RelaySettings;
  readonly #claims: FairClaims;
  readonly #leases: HeldLeases;
  #watch: LeaseWatch;
  readonly #upkeep: Upkeep;
  readonly #settlement: Settlement;
  readonly #wakeUp: WakeUp;
  readonly #lanes = new Set<Promise<void>>();
  #state: 'idle' | 'running' | 'once' | 'stopped' = 'idle';
  #loop: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | undefined;
  #subscription: Subscription | undefined;
  #unhear: () => void = () => {};
  /** When to look at the leases again, on the monotonic clock. */
  #nextLook = Number.NEGATIVE_INFINITY;

  /**
   * @param provider the database that the messages are in
   * @param options how it delivers
   * @throws ValidationError with every fault of the options
   */
  constructor(provider: OutboxProvider, options: RelayOptions<Topics>) {
    const settings = relaySettingsOf(options);
    const { clock, leaseDuration, topics } = settings;
    const owner = createUuidSource(clock)();
    const claims = new MessageClaims(provider.sql, { owner, duration: leaseDuration });
    const onError = (error: unknown) => this.#report(error);
    this.#provider = provider;
    this.#settings = settings;
    this.#claims = new FairClaims(claims, topics, clock);
    this.#leases = new HeldLeases(() => outboxTablesOf(provider.db), leaseDuration, clock, onError);
    this.#watch = new LeaseWatch(clock);
    this.#upkeep = new Upkeep(clock, provider.sql);
    this.#settlement = new Settlement(provider, claims, clock, (lease) => this.#leases.has(lease));
    this.#wakeUp = new WakeUp(clock);
  }

  /**
   * Delivers from now on, until `stop`. It is woken by what this process publishes with the same provider, and on
   * Postgres by what others publish; else it looks each `pollInterval`.
   *
   * @throws ValidationError where it was started before
   */
  start(): void {
    this.#leaveIdle('running');
    const wake = () => this.#wakeUp.call();
    const { topics } = this.#settings;
    this.#unhear = hearPublications(this.#provider, wake);
    // Whoever starts it in a transaction must not have it run in there.
    this.#loop = outside(() => this.#run());
    try {
      this.#subscription = this.#provider.listen?.(publicationChannel, {
        onNotification: (topic) => (topics?.has(topic) === false ? undefined : wake()),
        onGap: wake,
      });
    } catch (error) {
      this.#report(error);
    }
  }

  /**
   * Delivers what is due now, and what becomes due meanwhile, and then returns. It waits for no pause: a
   * message that failed stays for a later call, unless others take as long. For what others have leased it waits
   * until they give a sign of life, or for as long as a lease: then they are gone, and it delivers that too.
   *
   * @returns how many deliveries came to which end
   * @throws ValidationError where the relay runs, or was stopped
   * @throws the errors of the database
   * @example
   * const { delivered, failed } = await relay.runOnce();
   */
  async runOnce(): Promise<RunOnceReport> {
    this.#leaveIdle('once');
    const counts: DeliveryCounts = { delivered: 0, failed: 0, dead: 0 };
    // Who was alive at an earlier run may be gone.
    this.#watch = new LeaseWatch(this.#settings.clock);
    this.#nextLook = Number.NEGATIVE_INFINITY;
    const running = outside(() => this.#runUntilDone(counts));
    // The end waits for it as well; what it fails with is told here.
    this.#loop = running.catch(() => {});
    try {
      await running;
    } finally {
      await Promise.all(this.#lanes);
      if (this.#state === 'once') this.#state = 'idle';
    }
    return counts;
  }

  /**
   * Takes on nothing more, waits for the deliveries under way, and aborts what is left at the deadline; those
   * messages come again. Later calls wait for the first.
   *
   * @param options `deadline` in ms, an integer from 0 to 86,400,000
   * @throws ValidationError where the deadline is none
   */
  async stop({ deadline = defaultDeadline }: StopOptions = {}): Promise<void> {
    checkDeadline(deadline);
    this.#stopping ??= this.#end(deadline);
    await this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #leaveIdle(state: 'running' | 'once'): void {
    if (this.#state !== 'idle') {
      throw new ValidationError(`The relay cannot be started: it is ${this.#state}. Make another one.`);
    }
    this.#state = state;
  }

  async #end(deadline: number): Promise<void> {
    const { clock } = this.#settings;
    this.#state = 'stopped';
    this.#subscription?.close();
    this.#unhear();
    this.#wakeUp.call();
    const ending = this.#loop.then(() => Promise.all(this.#lanes)).then(() => true);
    if ((await within(clock, deadline, ending)) === true) return;
    this.#settlement.abandon();
    this.#leases.abandon(
      new DeliveryAbortedError('The relay was stopped, and the delivery did not end within its deadline.'),
    );
    await within(clock, goodbyeLimit, Promise.all(this.#lanes));
  }

  get #isStopped(): boolean {
    return this.#state === 'stopped';
  }

  async #run(): Promise<void> {
    const counts: DeliveryCounts = { delivered: 0, failed: 0, dead: 0 };
    let nextPause = decorrelatedJitter(pauses);
    while (!this.#isStopped) {
      try {
        const { taken, isPartial } = await this.#look(counts);
        nextPause = decorrelatedJitter(pauses);
        const hasRoom = this.#lanes.size < this.#settings.concurrency;
        if (taken === 0 || !hasRoom) await this.#wakeUp.sleep(this.#restFor(isPartial && hasRoom));
      } catch (error) {
        this.#report(error);
        if (isLiminalDataError(error, 'LIMINAL_POOL_CLOSED')) return;
        await this.#wakeUp.sleep(nextPause());
      }
    }
  }

  async #runUntilDone(counts: DeliveryCounts): Promise<void> {
    await this.#upkeep.mendPutOff(outboxTablesOf(this.#provider.db));
    while (!this.#isStopped) {
      const { taken, isPartial } = await this.#look(counts);
      const isIdle = taken === 0 && this.#lanes.size === 0;
      // A delivery that has ended since the look may have left the next message of its key.
      if (isIdle && !isPartial && !this.#watch.hasDoubts && !this.#wakeUp.isCalled) break;
      if (taken === 0 && !(isIdle && isPartial)) await this.#wakeUp.sleep(this.#restFor(isPartial));
    }
    const db = outboxTablesOf(this.#provider.db);
    while (!this.#isStopped && (await this.#upkeep.forgetOnce(db)));
  }

  /** Looks at what is there, leases as much as can be delivered at once, and begins to deliver it. */
  async #look(counts: DeliveryCounts): Promise<ClaimRound> {
    if (this.#wakeUp.heed()) this.#claims.startOver();
    await this.#lookAround();
    const { clock, concurrency } = this.#settings;
    const room = concurrency - this.#lanes.size;
    if (room === 0) return { taken: 0, isPartial: false };
    const since = clock.monotonic();
    return this.#claims.take(outboxTablesOf(this.#provider.db), room, (claimed) => {
      for (const claim of claimed) this.#open(claim, since, counts);
    });
  }

  #open(claim: ClaimedMessage, since: number, counts: DeliveryCounts): void {
    const lane = new DeliveryLane(
      {
        provider: this.#provider,
        settings: this.#settings,
        leases: this.#leases,
        settlement: this.#settlement,
        isStopping: () => this.#isStopped,
      },
      counts,
    );
    const ended = lane
      .run(claim, since)
      .catch((error: unknown) => this.#report(error))
      .finally(() => {
        this.#lanes.delete(ended);
        this.#wakeUp.call();
      });
    this.#lanes.add(ended);
  }

  /** Takes messages from owners that are gone, and tends what has to be tended. */
  async #lookAround(): Promise<void> {
    const { clock, pollInterval, tell } = this.#settings;
    if (clock.monotonic() < this.#nextLook) return;
    const db = outboxTablesOf(this.#provider.db);
    const others = (await messageLeases.list(db)).filter((lease) => !this.#leases.has(lease));
    for (const lease of this.#watch.observe(others)) {
      if (await messageLeases.free(db, lease)) tell({ type: 'reclaimed', id: lease.id });
    }
    await this.#upkeep.tend(db);
    this.#nextLook = clock.monotonic() + Math.min(pollInterval, this.#watch.nextLook);
  }

  /** How long to sleep where nothing wakes it, in ms. */
  #restFor(isPartial: boolean): number {
    if (isPartial) return partialPause;
    // Relays that were started together shall not look together.
    const poll = this.#settings.pollInterval * (0.9 + 0.2 * Math.random());
    return Math.min(poll, this.#watch.nextLook);
  }

  #report(error: unknown): void {
    const { logger, tell } = this.#settings;
    logger.warn({ error }, 'the relay of the outbox could not ask its database; it tries again');
    tell({ type: 'error', error });
  }
}

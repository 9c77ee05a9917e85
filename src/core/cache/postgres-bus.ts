import { sql, type CompiledQuery } from 'kysely';
import { systemClock, type Clock } from '../foundation/clock.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { loadCrypto } from '../foundation/node-crypto.ts';
import type { DatabaseProvider } from '../provider/database-provider.ts';
import { outside } from '../provider/transaction-context.ts';
import type { Subscription } from '../engine/notifications.ts';
import type { BusListener, InvalidationBus } from './invalidation-bus.ts';
import { readSlots, writeSlotsWithin } from './slots-message.ts';

/** How processes of one Postgres database tell each other. */
export interface PostgresBusOptions {
  /** The channel, an identifier in lower case of at most 40 characters; `liminal_cache` by default. */
  readonly channel?: string;
  /**
   * How often the bus asks over the connection that listens, in ms, from 100 to 60,000; 1,000 by default. Where it is not
   * answered for three times as long, the cache gives nothing until it is.
   */
  readonly heartbeat?: number;
  /** Where its time comes from; the machine's by default. */
  readonly clock?: Clock;
}

/** What a bus needs of a provider; `DatabaseProvider` fits. */
export type NotifyingProvider = Pick<DatabaseProvider<never>, 'sql' | 'listen' | 'batch' | 'db'>;

/** What Postgres takes as a payload, in bytes. */
const longestPayload = 7_999;
const missedBeats = 3;

/**
 * Tells the caches of all processes on a Postgres database by LISTEN and NOTIFY. The notification is committed with the change
 * that it tells of: a process that dies behind its COMMIT has told of it. Postgres lets commits that notify follow one
 * another, which costs writers who commit at the same time.
 *
 * @param provider the provider of the cache
 * @param options the channel, and how often it listens for itself
 * @returns a bus for `createCache`
 * @throws ValidationError with every fault of the options, and where the engine cannot listen, as SQLite
 * @example
 * const cache = createCache(provider, { bus: postgresBus });
 */
export function postgresBus(provider: object, options: PostgresBusOptions = {}): InvalidationBus {
  const { channel = 'liminal_cache', heartbeat = 1_000 } = options;
  const notifying = provider as NotifyingProvider;
  const issues = [];
  if (!/^[a-z_][a-z0-9_]{0,39}$/.test(channel)) {
    issues.push({
      path: ['channel'],
      message: 'must be an identifier in lower case, of at most 40 characters',
    });
  }
  if (!Number.isSafeInteger(heartbeat) || heartbeat < 100 || heartbeat > 60_000) {
    issues.push({ path: ['heartbeat'], message: 'must be an integer from 100 to 60000, in ms' });
  }
  if (notifying.sql?.notify === undefined) {
    issues.push({
      path: ['provider'],
      message: 'must be a DatabaseProvider whose engine can listen, such as Postgres',
    });
  }
  if (issues.length > 0) throw new ValidationError(issues);
  return new PostgresBus(notifying, { channel, heartbeat, clock: options.clock ?? systemClock });
}

class PostgresBus implements InvalidationBus {
  readonly #provider: NotifyingProvider;
  readonly #options: Required<PostgresBusOptions>;
  /** Who has sent a message, so that nobody hears themselves. */
  readonly #source = loadCrypto().randomBytes(6).toString('hex');
  #subscription: Subscription | undefined;
  #heardAt = 0;
  #isLost = true;
  #cancelBeat: (() => void) | undefined;
  #isClosed = false;

  constructor(provider: NotifyingProvider, options: Required<PostgresBusOptions>) {
    this.#provider = provider;
    this.#options = options;
  }

  start(listener: BusListener): void {
    const { channel } = this.#options;
    const onGap = (): void => {
      this.#hearLife();
      this.#isLost = false;
      listener.onGap();
    };
    const onNotification = (payload: string): void => this.#take(payload, listener);
    this.#subscription = this.#provider.listen(channel, { onNotification, onGap });
    this.#beat(listener, onGap);
  }

  statement(slots: readonly number[]): CompiledQuery {
    const { sql: words, db } = this.#provider;
    const messages = writeSlotsWithin(this.#source, slots, longestPayload);
    const told = messages.map((message) => words.notify!(this.#options.channel, message));
    return sql`select ${sql.join(told)}`.compile(db);
  }

  async publish(slots: readonly number[]): Promise<void> {
    await outside(() => this.#provider.batch([this.statement(slots)]));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelBeat?.();
    this.#subscription?.close();
  }

  #take(payload: string, listener: BusListener): void {
    this.#hearLife();
    const slots = readSlots(payload, this.#source);
    if (slots !== undefined) listener.onMove(slots);
  }

  #hearLife(): void {
    this.#heardAt = this.#options.clock.monotonic();
  }

  #beat(listener: BusListener, onGap: () => void): void {
    if (this.#isClosed) return;
    const { clock, heartbeat } = this.#options;
    if (!this.#isLost && clock.monotonic() - this.#heardAt > heartbeat * missedBeats) {
      this.#isLost = true;
      listener.onLoss();
    }
    // Over the connection that listens, which is none of the pool: that may be used up for long.
    void this.#subscription?.isAlive?.().then((isAlive) => {
      if (!isAlive || this.#isClosed) return;
      if (this.#isLost) onGap();
      else this.#hearLife();
    });
    this.#cancelBeat = clock.schedule(heartbeat, () => this.#beat(listener, onGap), { keepsAlive: false });
  }
}

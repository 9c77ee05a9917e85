import type { Clock } from '../../foundation/clock.ts';
import type { CacheStore } from '../cache-store.ts';
import type { BusListener, InvalidationBus } from '../invalidation-bus.ts';
import type { RedisClient } from './redis-client.ts';
import { RedisLine } from './redis-line.ts';
import { readSlots } from '../slots-message.ts';

/** What a bus on a server is made of. */
export interface RedisBusParts {
  /** Whose moves it hears. */
  readonly store: CacheStore;
  readonly client: RedisClient;
  readonly clock: Clock;
  /** In ms. */
  readonly heartbeat: number;
  /** Who this process is. */
  readonly source: string;
  /** Where moves are told. */
  readonly channel: () => string;
  /** Sends a sign of life by the way that moves take. */
  readonly ping: (channel: string) => void;
}

const missedBeats = 3;
const subscribeLimit = 1_000;

/**
 * Hears what other processes have moved on a server, whose script for moves tells it. A connection of its own listens, and hears
 * what this process says to itself over the other one: where it does not, messages may be missed, whatever has broken.
 */
export class RedisBus implements InvalidationBus {
  readonly follows: CacheStore;
  readonly #parts: RedisBusParts;
  #line: RedisLine | undefined;
  #listener: BusListener | undefined;
  #isLost = true;
  /** How often it has spoken to itself since it was last heard. */
  #unheard = 0;
  #cancelBeat: (() => void) | undefined;

  constructor(parts: RedisBusParts) {
    this.#parts = parts;
    this.follows = parts.store;
  }

  start(listener: BusListener): void {
    const { client, clock, channel, source } = this.#parts;
    this.#listener = listener;
    this.#line = new RedisLine({
      client,
      clock,
      limit: subscribeLimit,
      prepare: async (connection) => {
        await connection.subscribe(channel(), (message) => {
          const slots = readSlots(message, source);
          if (slots !== undefined) listener.onMove(slots);
        });
        await connection.subscribe(this.#ownChannel, () => this.#hear());
      },
      onUp: () => {
        this.#unheard = 0;
        this.ping();
      },
      onDown: () => this.#lose(),
    });
    this.#line.start();
    this.#beat();
  }

  /** Says something to itself. */
  ping(): void {
    if (this.#line?.isUp === true) this.#parts.ping(this.#ownChannel);
  }

  async close(): Promise<void> {
    this.#cancelBeat?.();
    this.#line?.close();
  }

  get #ownChannel(): string {
    return `${this.#parts.channel()}:${this.#parts.source}`;
  }

  #hear(): void {
    this.#unheard = 0;
    if (!this.#isLost) return;
    this.#isLost = false;
    this.#listener?.onGap();
  }

  #lose(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#listener?.onLoss();
  }

  #beat(): void {
    const { clock, heartbeat } = this.#parts;
    this.#cancelBeat = clock.schedule(
      heartbeat,
      () => {
        this.#unheard += 1;
        // Counted, and not timed: a process that stood still has said nothing that it could have missed.
        if (this.#unheard > missedBeats && this.#line?.isUp === true) {
          this.#lose();
          this.#unheard = 0;
          this.#line.reset('late');
        }
        this.ping();
        this.#beat();
      },
      { keepsAlive: false },
    );
  }
}

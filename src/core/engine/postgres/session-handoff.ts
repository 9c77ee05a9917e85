import type { Clock } from '../../foundation/clock.ts';
import type { PostgresSession } from './postgres-session.ts';

interface Taker {
  readonly resolve: (session: PostgresSession | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Where new sessions come from, and go to that nobody waits for any more. */
export interface SessionSource {
  open(): Promise<PostgresSession>;
  keep(session: PostgresSession): void;
}

/**
 * Brings together those who need a session and the sessions that come: new ones, and those that are given back
 * meanwhile. Whoever came first has the first of them. A connection is opened for everybody who waits; one
 * that is not needed any more when it stands is kept.
 */
export class SessionHandoff {
  readonly #clock: Clock;
  readonly #source: SessionSource;
  readonly #takers = new Set<Taker>();
  #opening = 0;

  constructor(clock: Clock, source: SessionSource) {
    this.#clock = clock;
    this.#source = source;
  }

  /** Whether somebody waits for a session. */
  get isAwaited(): boolean {
    return this.#takers.size > 0;
  }

  /** How many connections are under way that nobody waits for any more. */
  get surplus(): number {
    return this.#opening - this.#takers.size;
  }

  /**
   * Waits for the next session, in turn.
   *
   * @param limit in ms; below 0 counts as 0
   * @param signal ends the wait as well
   * @returns undefined where the limit came first
   * @throws why one could not be opened, or the signal's reason
   */
  take(limit: number, signal: AbortSignal | undefined): Promise<PostgresSession | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<PostgresSession | undefined>();
    const abort = () => taker.reject(signal?.reason);
    const cancel = this.#clock.schedule(Math.max(0, limit), () => taker.resolve(undefined));
    const leave = () => {
      this.#takers.delete(taker);
      cancel();
      signal?.removeEventListener('abort', abort);
    };
    const taker: Taker = {
      resolve(session) {
        leave();
        resolve(session);
      },
      reject(error) {
        leave();
        reject(error);
      },
    };
    signal?.addEventListener('abort', abort, { once: true });
    this.#takers.add(taker);
    // One that came too late for its caller serves the next.
    if (this.#opening < this.#takers.size) this.#open();
    return promise;
  }

  /** Hands a session to the first who waits. @returns whether there was one */
  give(session: PostgresSession): boolean {
    const taker = this.#first();
    taker?.resolve(session);
    return taker !== undefined;
  }

  #open(): void {
    this.#opening += 1;
    this.#source.open().then(
      (session) => {
        this.#opening -= 1;
        if (!this.give(session)) this.#source.keep(session);
      },
      (error: unknown) => {
        this.#opening -= 1;
        // Nobody has to hear of it as long as a connection is under way for each.
        if (this.#takers.size > this.#opening) this.#first()?.reject(error);
      },
    );
  }

  #first(): Taker | undefined {
    return this.#takers.values().next().value;
  }
}

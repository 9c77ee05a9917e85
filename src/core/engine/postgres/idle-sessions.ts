import type { Clock } from '../../foundation/clock.ts';
import type { PostgresSession } from './postgres-session.ts';

/** When idle sessions are closed. Times in ms; 0 is never. */
export interface IdleLimits {
  readonly idleTimeout: number;
  /** Asked again each time: whether so many sessions are open that an idle one may go. */
  readonly mayShrink: () => boolean;
  readonly clock: Clock;
  /** Closes a session that has been idle, or has lived, for too long. */
  readonly retire: (session: PostgresSession, reason: 'idle' | 'lifetime') => void;
}

/**
 * The sessions that nobody has, the one used last on top, so that the others may grow old. One timer is up
 * while there are any, for the one that falls due first.
 */
export class IdleSessions {
  readonly #limits: IdleLimits;
  readonly #stack: PostgresSession[] = [];
  #cancelSweep: (() => void) | undefined;
  #sweepsAt = Number.POSITIVE_INFINITY;

  constructor(limits: IdleLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#stack.length;
  }

  push(session: PostgresSession): void {
    session.idleSince = this.#limits.clock.monotonic();
    this.#stack.push(session);
    if (this.#dueOf(session) < this.#sweepsAt) this.#sweepAt(this.#dueOf(session));
  }

  /**
   * @param longest how long it may have been idle, in ms
   * @returns the one that was used last; undefined where there is none, or it has been idle for longer
   */
  pop(longest: number): PostgresSession | undefined {
    const last = this.#stack.at(-1);
    if (last === undefined || this.#limits.clock.monotonic() - last.idleSince > longest) return undefined;
    return this.#stack.pop();
  }

  remove(session: PostgresSession): boolean {
    const index = this.#stack.indexOf(session);
    if (index !== -1) this.#stack.splice(index, 1);
    return index !== -1;
  }

  /** Takes all of them out. */
  clear(): PostgresSession[] {
    this.#sweepAt(Number.POSITIVE_INFINITY);
    return this.#stack.splice(0);
  }

  /** @param due on the monotonic clock; infinity for never */
  #sweepAt(due: number): void {
    const { clock } = this.#limits;
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
    this.#sweepsAt = due;
    if (due === Number.POSITIVE_INFINITY) return;
    const delay = Math.max(1, due - clock.monotonic());
    this.#cancelSweep = clock.schedule(delay, () => this.#sweep(), { keepsAlive: false });
  }

  #dueOf({ idleSince, expiresAt }: PostgresSession): number {
    const { idleTimeout, mayShrink } = this.#limits;
    return idleTimeout > 0 && mayShrink() ? Math.min(expiresAt, idleSince + idleTimeout) : expiresAt;
  }

  #sweep(): void {
    const { clock, retire } = this.#limits;
    const now = clock.monotonic();
    // From the bottom, where those lie that were not used for the longest time.
    for (const session of this.#stack.slice()) {
      if (this.#dueOf(session) > now) continue;
      this.remove(session);
      retire(session, session.expiresAt <= now ? 'lifetime' : 'idle');
    }
    this.#sweepAt(Math.min(...this.#stack.map((session) => this.#dueOf(session))));
  }
}

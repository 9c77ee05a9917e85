import type { Clock } from '../../foundation/clock.ts';
import { timeWait, type StatementTiming } from '../../foundation/statement-timing.ts';
import type { WireResult } from './postgres-exchange.ts';
import type { PostgresPool } from './postgres-pool.ts';
import type { PostgresSession, SessionStatement } from './postgres-session.ts';

/** How many reads may be under way on one connection. */
const maxDepth = 32;
/** From how many on another connection is taken where one is free, so that the server works on both. */
const comfortableDepth = 8;
/**
 * In ms. A read that takes longer than this is slow: nobody is sent behind one, and one that is known to be
 * slow is not sent in front of others. A connection is not kept for longer while somebody waits for one.
 */
const slow = 5;

/** A connection that serves several callers at once. */
interface Line {
  readonly session: PostgresSession;
  readonly since: number;
  inFlight: number;
  /** Since when the server works on the read in front. */
  headSince: number;
}

/** Reads that wait together for one connection. */
interface Party {
  readonly since: number;
  size: number;
  readonly line: Promise<Line>;
}

/**
 * Sends reads of independent callers over few connections without waiting for each other's answers. Each has
 * a Sync and a deadline of its own, so that one that fails does not touch its neighbours.
 *
 * One that comes while none is under way has a connection to itself, as it always had.
 */
export class SharedReads {
  readonly #pool: PostgresPool;
  readonly #clock: Clock;
  readonly #lines: Line[] = [];
  #party: Party | undefined;

  constructor(pool: PostgresPool, clock: Clock) {
    this.#pool = pool;
    this.#clock = clock;
  }

  /** Whether a text has been quick so far; one that was never run is not known to be. */
  isQuick(text: string): boolean {
    return (this.#pool.catalog.durationOf(text) ?? slow) < slow;
  }

  /** Runs a read. @throws as `PostgresPool.acquire` and `PostgresSession.run` */
  run(statement: SessionStatement, timing?: StatementTiming): Promise<WireResult> {
    const line = this.#findLine();
    if (line !== undefined) {
      timing?.endWait();
      return this.#send(line, statement);
    }
    // Inside of work that holds a connection nobody may wait for another: the pool says so to whoever asks.
    const isHeld = this.#pool.isHeldByCaller;
    const granted = timeWait(timing, () => (isHeld ? this.#acquireLine() : this.#waitForLine()));
    return granted.then((own) => this.#send(own, statement));
  }

  #findLine(): Line | undefined {
    const now = this.#clock.monotonic();
    let best: Line | undefined;
    for (const line of this.#lines) {
      if (this.#isOpen(line, now) && (best === undefined || line.inFlight < best.inFlight)) best = line;
    }
    if (best !== undefined && best.inFlight < comfortableDepth) return best;
    const session = this.#pool.tryAcquire(true);
    return session === undefined ? best : this.#openLine(session, now);
  }

  #isOpen({ session, since, inFlight, headSince }: Line, now: number): boolean {
    if (session.isLost || inFlight >= maxDepth || now - headSince > slow) return false;
    // Under a constant load it would never be empty, and whoever waits for it would starve.
    return now - since <= slow || this.#pool.waiting === 0;
  }

  #openLine(session: PostgresSession, now: number): Line {
    const line = { session, since: now, inFlight: 0, headSince: now };
    this.#lines.push(line);
    return line;
  }

  #send(line: Line, statement: SessionStatement): Promise<WireResult> {
    line.inFlight += 1;
    if (line.inFlight === 1) line.headSince = this.#clock.monotonic();
    const answer = line.session.run(statement);
    const leave = () => this.#leave(line, statement.text);
    answer.then(leave, leave);
    return answer;
  }

  #leave(line: Line, text: string): void {
    const now = this.#clock.monotonic();
    this.#pool.catalog.noteDuration(text, now - line.headSince);
    line.headSince = now;
    line.inFlight -= 1;
    if (line.inFlight > 0) return;
    this.#lines.splice(this.#lines.indexOf(line), 1);
    this.#pool.release(line.session);
  }

  /** Waits for a connection together with those who came just before, so that all keep their own deadlines. */
  #waitForLine(): Promise<Line> {
    const now = this.#clock.monotonic();
    const waiting = this.#party;
    if (waiting !== undefined && waiting.size < maxDepth && now - waiting.since <= slow) {
      waiting.size += 1;
      return waiting.line;
    }
    const party: Party = { since: now, size: 1, line: this.#acquireLine() };
    this.#party = party;
    const end = () => {
      if (this.#party === party) this.#party = undefined;
    };
    party.line.then(end, end);
    return party.line;
  }

  async #acquireLine(): Promise<Line> {
    const session = await this.#pool.acquire(undefined, true);
    return this.#openLine(session, this.#clock.monotonic());
  }
}

import type { Clock } from '../../foundation/clock.ts';
import { timeWait, type StatementTiming } from '../../foundation/statement-timing.ts';
import { mayBeApplied, outcomeUnknown } from './commit-outcome.ts';
import type { ExchangeFailure, WireResult } from './postgres-exchange.ts';
import type { PostgresPool } from './postgres-pool.ts';
import type { PostgresSession, SessionStatement } from './postgres-session.ts';
import { runAlone } from './run-alone.ts';

/** How many inserts share a commit at most. */
const maxMembers = 64;
/** How many groups of one text may be under way, unless they take longer than `patience`. */
const maxGroups = 2;
/** How long an insert waits for the groups before it, in ms, until it goes beside them. */
const patience = 10;
/** How long one insert may wait for a lock, or take, in a group, in ms. */
const memberLimit = 20;

/** What insert groups need to know. */
export interface InsertGroupOptions {
  /** The longest that one statement may take, in ms; 0 is no limit. */
  readonly statementTimeout: number;
  readonly clock: Clock;
}

interface Member {
  readonly statement: SessionStatement;
  /** Is told while it waits. */
  readonly timing: StatementTiming | undefined;
  readonly resolve: (result: WireResult) => void;
  readonly reject: (error: unknown) => void;
}

/** The inserts of one text. */
interface Crowd {
  readonly waiting: Member[];
  groups: number;
  isCalled: boolean;
  /** Up while somebody waits for the groups under way. */
  cancelPatience: (() => void) | undefined;
}

/**
 * Lets concurrent single inserts of one text share a transaction, and with it the wait for the disk. They are
 * sent in one go and each keeps its own result; where one of them fails, nothing of the group is applied, and
 * they run again: the one that failed alone, the others together, and then everybody alone.
 *
 * One that comes while no other of its text is under way goes at once, alone. Members of a group share what
 * belongs to a transaction: `now()`, its number, and notifications of equal content, which are sent once.
 */
export class InsertGroups {
  readonly #pool: PostgresPool;
  readonly #clock: Clock;
  readonly #doNotWait: SessionStatement;
  readonly #crowds = new Map<string, Crowd>();

  constructor(pool: PostgresPool, { statementTimeout, clock }: InsertGroupOptions) {
    this.#pool = pool;
    this.#clock = clock;
    this.#doNotWait = haste(statementTimeout);
  }

  /** Runs an insert. @throws as `PostgresPool.acquire` and `runAlone` */
  run(statement: SessionStatement, timing?: StatementTiming): Promise<WireResult> {
    // Inside of work that holds a connection nobody may wait for another: the pool says so to whoever asks.
    if (this.#pool.isHeldByCaller) return this.#runOnOwnSession(statement, timing);
    const crowd = this.#crowds.get(statement.text);
    if (crowd === undefined) return this.#runFirst(statement, timing);
    timing?.startWait();
    return new Promise((resolve, reject) => {
      crowd.waiting.push({ statement, timing, resolve, reject });
      this.#call(statement.text, crowd);
    });
  }

  async #runFirst(statement: SessionStatement, timing: StatementTiming | undefined): Promise<WireResult> {
    const crowd: Crowd = { waiting: [], groups: 1, isCalled: false, cancelPatience: undefined };
    this.#crowds.set(statement.text, crowd);
    try {
      return await this.#runOnOwnSession(statement, timing);
    } finally {
      this.#endGroup(statement.text, crowd);
    }
  }

  #endGroup(text: string, crowd: Crowd): void {
    crowd.groups -= 1;
    if (crowd.waiting.length > 0) this.#call(text, crowd);
    else if (crowd.groups === 0) this.#crowds.delete(text);
  }

  /** Sends at the end of the turn, when everybody who comes in it is there. */
  #call(text: string, crowd: Crowd): void {
    if (crowd.isCalled) return;
    crowd.isCalled = true;
    setImmediate(() => {
      crowd.isCalled = false;
      this.#send(text, crowd);
    });
  }

  #send(text: string, crowd: Crowd, mostGroups = maxGroups): void {
    while (crowd.waiting.length > 0 && crowd.groups < mostGroups) {
      crowd.groups += 1;
      const members = crowd.waiting.splice(0, maxMembers);
      void this.#runGroup(members, 1).finally(() => this.#endGroup(text, crowd));
    }
    this.#watch(text, crowd);
  }

  /** Groups that do not come back, as in a dead network, must not use up the time of those who wait. */
  #watch(text: string, crowd: Crowd): void {
    if (crowd.waiting.length === 0) {
      crowd.cancelPatience?.();
      crowd.cancelPatience = undefined;
      return;
    }
    crowd.cancelPatience ??= this.#clock.schedule(patience, () => {
      crowd.cancelPatience = undefined;
      this.#send(text, crowd, Number.POSITIVE_INFINITY);
    });
  }

  /** Never rejects: each member hears its own. */
  async #runGroup(members: readonly Member[], attempts: number): Promise<void> {
    if (members.length === 1) return this.#runAlone(members[0]!);
    let session: PostgresSession;
    try {
      session = this.#pool.tryAcquire(true) ?? (await this.#pool.acquire(undefined, true));
    } catch (error) {
      for (const { reject } of members) reject(error);
      return;
    }
    for (const { timing } of members) timing?.endWait();
    const failure = await this.#runTogether(session, members);
    this.#pool.release(session);
    if (failure !== undefined) await this.#runAgain(members, failure, attempts);
  }

  /** @returns which member failed, where the group has to run again; undefined where all is told */
  async #runTogether(session: PostgresSession, members: readonly Member[]): Promise<number | undefined> {
    const statements = [this.#doNotWait, ...members.map(({ statement }) => statement)];
    let failure: ExchangeFailure | undefined;
    try {
      const results = await session.runAll(statements, { onFailure: (met) => (failure = met) });
      members.forEach((member, index) => answer(session, member, results[index + 1]!));
      return undefined;
    } catch (error) {
      // Where it was not even sent there is no failure of the exchange.
      if (failure === undefined || !mayBeApplied(error)) return (failure?.position ?? 0) - 1;
      for (const { reject } of members) reject(outcomeUnknown('a write was sent', error));
      return undefined;
    }
  }

  async #runAgain(members: readonly Member[], failed: number, attempts: number): Promise<void> {
    const single = attempts > 0 ? members.slice(Math.max(0, failed), failed + 1) : members;
    const others = members.filter((member) => !single.includes(member));
    await Promise.all([
      ...single.map((member) => this.#runAlone(member)),
      ...(others.length > 0 ? [this.#runGroup(others, attempts - 1)] : []),
    ]);
  }

  async #runAlone({ statement, timing, resolve, reject }: Member): Promise<void> {
    try {
      resolve(await this.#runOnOwnSession(statement, timing));
    } catch (error) {
      reject(error);
    }
  }

  async #runOnOwnSession(
    statement: SessionStatement,
    timing: StatementTiming | undefined,
  ): Promise<WireResult> {
    const session = this.#pool.tryAcquire() ?? (await timeWait(timing, () => this.#pool.acquire()));
    timing?.endWait();
    try {
      return await runAlone(session, statement, true);
    } finally {
      this.#pool.release(session);
    }
  }
}

/**
 * A group waits neither for locks nor for a slow member, since that would hold up the others and use up the
 * time of all: whoever takes long does so alone. For this transaction only.
 */
function haste(statementTimeout: number): SessionStatement {
  const share = statementTimeout === 0 ? memberLimit : Math.floor(statementTimeout / (2 * maxMembers));
  const limit = Math.max(1, Math.min(memberLimit, share));
  return {
    text: `select set_config('lock_timeout', '${limit}ms', true), set_config('statement_timeout', '${limit}ms', true)`,
    values: [],
    prepare: true,
  };
}

function answer(session: PostgresSession, { resolve, reject }: Member, result: WireResult): void {
  try {
    session.requireReadable(result);
    resolve(result);
  } catch (error) {
    reject(error);
  }
}

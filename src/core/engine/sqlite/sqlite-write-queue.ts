import type { CompiledQuery } from 'kysely';
import type { StatementTiming } from '../../foundation/statement-timing.ts';
import type { StatementOptions } from '../statement-options.ts';
import { translateSqliteError } from './sqlite-errors.ts';
import type { LaneConnection } from './sqlite-lane.ts';
import type { SqliteLanes } from './sqlite-lanes.ts';
import { isLocked, refuse, serve, type QueuedWrite, type Results } from './shared-commit.ts';

/** A write that waits, or is about to be served. */
interface Member extends QueuedWrite {
  /** Who came behind the same transactions of others. */
  readonly place: number;
  /** Is told while it waits. */
  readonly timing: StatementTiming | undefined;
  /** Takes it out of the waiting line. */
  leaveLine: AbortController | undefined;
}

/** The most callers that share a commit. */
const largestGroup = 1_000;

/**
 * Writes that stand for themselves, in the order of asking. Those that come together share one transaction, since
 * a commit costs more than the rows in it: each gets its answer only once the commit has it, and one that fails
 * fails alone. Where the shared commit fails, or SQLite gives the group's transaction up, each is run again on
 * its own.
 *
 * While the writer is busy each waits in the lane's own line, with its deadline, its signal and its place; who is
 * served takes along those who stand right behind it.
 */
export class SqliteWriteQueue {
  readonly #lanes: SqliteLanes;
  readonly #waiting = new Set<Member>();
  /** The group that whoever comes may still join. */
  #forming: Member[] | undefined;
  #place = 0;

  constructor(lanes: SqliteLanes) {
    this.#lanes = lanes;
  }

  /** Call it before somebody else waits for the writer: who writes later must not be served before. */
  closeRanks(): void {
    this.#place += 1;
  }

  /**
   * @param queries one statement, or those of a batch; each reads or changes rows and does nothing else
   * @param isBatch whether they are all or nothing
   * @throws errors of this library
   */
  submit(
    queries: readonly CompiledQuery[],
    isBatch: boolean,
    { signal, timing }: StatementOptions = {},
  ): Promise<Results> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const place = this.#place;
      const member: Member = {
        queries,
        isBatch,
        place,
        timing,
        resolve,
        reject,
        leaveLine: undefined,
        isGone: false,
      };
      if (signal !== undefined) this.#leaveOnAbort(member, signal);
      if (this.#canJoin()) {
        this.#forming?.push(member);
        return;
      }
      const connection = this.#forming === undefined ? this.#lanes.writer.tryTake() : undefined;
      if (connection === undefined) void this.#waitInLine(member);
      else this.#form(connection, member);
    });
  }

  #canJoin(): boolean {
    const group = this.#forming;
    if (group === undefined || group.length >= largestGroup) return false;
    return group[0]?.place === this.#place && this.#waiting.size === 0;
  }

  /** Waits for who else comes in the running microtasks, such as the other branches of a `Promise.all`. */
  #form(connection: LaneConnection, first: Member): void {
    const group = [first];
    this.#forming = group;
    queueMicrotask(() => {
      this.#forming = undefined;
      void this.#lead(connection, group);
    });
  }

  async #waitInLine(member: Member): Promise<void> {
    const line = new AbortController();
    member.leaveLine = line;
    this.#waiting.add(member);
    member.timing?.startWait();
    try {
      const connection = await this.#lanes.writer.takeBriefly(line.signal);
      this.#waiting.delete(member);
      await this.#lead(connection, [member]);
    } catch (error) {
      // Who was taken along by another, or has given up, has left the line in peace.
      if (this.#waiting.delete(member)) member.reject(translateSqliteError(error));
    }
  }

  /** Wherever it waits: in the line, for the event loop, or for the lock of another process. */
  #leaveOnAbort(member: Member, signal: AbortSignal): void {
    const { resolve, reject } = member;
    const abort = () => {
      member.isGone = true;
      this.#waiting.delete(member);
      member.leaveLine?.abort();
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    const forget = () => signal.removeEventListener('abort', abort);
    member.resolve = (results) => {
      forget();
      resolve(results);
    };
    member.reject = (error) => {
      forget();
      reject(error);
    };
  }

  /** Serves a group, and gives the writer back. Never throws. */
  async #lead(connection: LaneConnection, group: Member[]): Promise<void> {
    try {
      this.#takeAlong(group);
      for (const { timing } of group) timing?.endWait();
      for (let rest = group; rest.length > 0;) {
        rest = this.#serveAtOnce(connection, rest) ?? (await this.#serveLater(connection, rest));
      }
    } finally {
      this.#lanes.giveBackWriter(connection);
    }
  }

  #takeAlong(members: Member[]): void {
    const place = members[0]?.place;
    for (const member of this.#waiting) {
      if (member.place !== place || members.length >= largestGroup) return;
      this.#waiting.delete(member);
      member.leaveLine?.abort();
      members.push(member);
    }
  }

  /** @returns who is left; undefined where it has to wait for the event loop or another process */
  #serveAtOnce({ database }: LaneConnection, members: Member[]): Member[] | undefined {
    try {
      if (!this.#lanes.steps.isTimeToWrite()) return undefined;
      return serve(database, members);
    } catch (error) {
      return isLocked(error) ? undefined : refuse(members, error);
    }
  }

  async #serveLater(connection: LaneConnection, members: Member[]): Promise<Member[]> {
    this.#lanes.writer.noteHeld(connection);
    try {
      return await this.#lanes.steps.runCommitting(() => serve(connection.database, members));
    } catch (error) {
      return refuse(members, error);
    }
  }
}

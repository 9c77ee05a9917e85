import type { CompiledQuery, QueryResult } from 'kysely';
import { LiminalDataError } from '../../foundation/errors/liminal-data-error.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { translateSqliteError } from './sqlite-errors.ts';
import type { LaneConnection } from './sqlite-lane.ts';
import type { SqliteLanes } from './sqlite-lanes.ts';

type Results = readonly QueryResult<unknown>[];

/** One caller's work: a statement, or a batch of them that is one transaction. */
interface Member {
  readonly queries: readonly CompiledQuery[];
  /** A batch of one statement is undone like one of many; a single statement is on its own. */
  readonly isBatch: boolean;
  /** Who came behind the same transactions of others. */
  readonly place: number;
  /** Takes it out of the waiting line. */
  leaveLine: AbortController | undefined;
  /** Whether its caller has given up; it must not run any more. */
  isGone: boolean;
  resolve: (results: Results) => void;
  reject: (error: unknown) => void;
}

type Outcome = { readonly results: Results } | { readonly error: unknown };

/** The most callers that share a commit. */
const largestGroup = 1_000;

/** How long a group may run before it commits, in ms: others want the event loop. */
const longestGroup = 10;

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
    signal: AbortSignal | undefined,
  ): Promise<Results> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const place = this.#place;
      const member: Member = {
        queries,
        isBatch,
        place,
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
    try {
      const connection = await this.#lanes.writer.takeBriefly(line.signal);
      this.#waiting.delete(member);
      await this.#lead(connection, [member]);
    } catch (error) {
      // Who was taken along by another, or has given up, has left the line in peace.
      if (this.#waiting.delete(member)) member.reject(asOwnError(error));
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

function isLocked(error: unknown): boolean {
  return String((error as { code?: unknown } | null)?.code).startsWith('SQLITE_BUSY');
}

function refuse(members: readonly Member[], error: unknown): Member[] {
  for (const member of members) member.reject(asOwnError(error));
  return [];
}

function asOwnError(error: unknown): unknown {
  return error instanceof LiminalDataError ? error : translateSqliteError(error);
}

/**
 * Serves members in one transaction, or one member on its own.
 *
 * @returns those for whom the time did not suffice
 * @throws the error of SQLite where another process holds the lock; nothing has happened then
 */
function serve(database: SqliteDatabase, group: readonly Member[]): Member[] {
  const members = group.filter(({ isGone }) => !isGone);
  const [first] = members;
  if (first === undefined) return [];
  if (members.length === 1) {
    settle(first, runAlone(database, first));
    return [];
  }
  const outcomes = runTogether(database, members);
  // None has been answered. On their own each one runs as if there had been no group.
  if (outcomes === undefined) return serveOneByOne(database, members);
  outcomes.forEach((outcome, index) => settle(members[index] as Member, outcome));
  return members.slice(outcomes.length);
}

/** Up to the first that meets a lock of another process, which the others then wait for. */
function serveOneByOne(database: SqliteDatabase, members: readonly Member[]): Member[] {
  for (const [index, member] of members.entries()) {
    try {
      settle(member, runAlone(database, member));
    } catch (error) {
      if (index === 0 || !isLocked(error)) throw error;
      return members.slice(index);
    }
  }
  return [];
}

function settle(member: Member, outcome: Outcome): void {
  if ('error' in outcome) member.reject(asOwnError(outcome.error));
  else member.resolve(outcome.results);
}

/** @throws where another process holds the lock */
function runAlone(database: SqliteDatabase, { queries, isBatch }: Member): Outcome {
  const isTransaction = isBatch && queries.length > 1;
  if (isTransaction) database.command('begin immediate');
  try {
    const results = runAll(database, queries);
    if (isTransaction) database.command('commit');
    return { results };
  } catch (error) {
    // A full disk, among others, has rolled it back already.
    if (isTransaction && database.inTransaction) database.command('rollback');
    if (!isTransaction && isLocked(error)) throw error;
    return { error };
  }
}

/**
 * @returns an outcome each, as far as the time sufficed; undefined where nothing of it was kept
 * @throws where another process holds the lock
 */
function runTogether(database: SqliteDatabase, members: readonly Member[]): Outcome[] | undefined {
  const start = performance.now();
  const outcomes: Outcome[] = [];
  database.command('begin immediate');
  try {
    for (const member of members) {
      outcomes.push(member.isBatch ? runBatch(database, member) : runOne(database, member));
      if (!database.inTransaction) return undefined;
      if (performance.now() - start > longestGroup) break;
    }
    database.command('commit');
    return outcomes;
  } catch {
    // A deferred foreign key, or a full disk: whose fault it is shows on their own.
    if (database.inTransaction) database.command('rollback');
    return undefined;
  }
}

/** SQLite undoes a statement that fails by itself, as it would outside of a transaction. */
function runOne(database: SqliteDatabase, { queries }: Member): Outcome {
  try {
    return { results: runAll(database, queries) };
  } catch (error) {
    return { error };
  }
}

function runBatch(database: SqliteDatabase, { queries }: Member): Outcome {
  database.command('savepoint liminal_member');
  try {
    const results = runAll(database, queries);
    database.command('release liminal_member');
    return { results };
  } catch (error) {
    if (database.inTransaction) {
      database.command('rollback to liminal_member');
      database.command('release liminal_member');
    }
    return { error };
  }
}

function runAll(database: SqliteDatabase, queries: readonly CompiledQuery[]): Results {
  return queries.map(({ sql, parameters }) => database.run(sql, parameters));
}

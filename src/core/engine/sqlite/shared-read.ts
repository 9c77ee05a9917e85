import type { SqliteDatabase } from './sqlite-database.ts';
import type { TurnBudget } from './turn-budget.ts';

/** From which read of a turn on they share a snapshot; before, beginning one costs more than it spares. */
const sharedFrom = 4;

/** How long reads do not share, in ms, once somebody else has written to the file. */
const suspension = 1_000;

/** Those that are open in this thread, of whatever provider: the commit of one must be seen by all. */
const openReads = new Set<SharedRead>();

/** Counts the commits of this thread. */
let commits = 0;

/**
 * Ends every shared snapshot of this thread. Call it before whatever may commit, so that no read that comes
 * after the commit is answered from before it.
 */
export function endSharedReads(): void {
  commits += 1;
  for (const read of openReads) read.end();
}

/**
 * One read transaction for the reads of a turn of the event loop: taking and giving back SQLite's read lock for
 * each is half of what a small read costs. It ends before the event loop turns, before a commit of this thread
 * and after 10 ms; so what comes from outside, such as a message that tells of another process's commit, is
 * never answered from an older snapshot.
 *
 * It cannot see that a handle of another library in this same thread commits between two reads of one turn. So
 * a turn's first reads do not share, and none do for a while after a commit that was not ours.
 */
export class SharedRead {
  readonly #turn: TurnBudget;
  #database: SqliteDatabase | undefined;
  /** Reads since the last turn or commit. */
  #count = 0;
  #turnNumber = -1;
  #commits = 0;
  #seen: { database: SqliteDatabase; version: number; commits: number } | undefined;
  #suspendedUntil = 0;
  readonly #end = () => this.end();

  constructor(turn: TurnBudget) {
    this.#turn = turn;
  }

  /** Call it before a read on a connection that nobody has borrowed. */
  join(database: SqliteDatabase): void {
    if (this.#database === database) return;
    if (this.#turnNumber !== this.#turn.number || this.#commits !== commits) this.#restart();
    this.#count += 1;
    // Looking twice, some reads apart, finds who writes between them.
    if (this.#count === sharedFrom / 2) this.#lookForOthers(database);
    if (this.#count >= sharedFrom) this.#begin(database);
  }

  /** Ends the snapshot where one is open. */
  end(): void {
    const database = this.#database;
    if (database === undefined) return;
    this.#database = undefined;
    this.#count = 0;
    openReads.delete(this);
    // It has nothing to commit, and where a page is damaged COMMIT fails.
    database.rollBack();
  }

  #restart(): void {
    this.#turnNumber = this.#turn.number;
    this.#commits = commits;
    this.#count = 0;
  }

  #begin(database: SqliteDatabase): void {
    this.end();
    this.#count = 0;
    this.#lookForOthers(database);
    if (this.#turn.now < this.#suspendedUntil) return;
    database.command('begin');
    this.#database = database;
    openReads.add(this);
    // It runs when no microtask is left, before whatever else the event loop has.
    process.nextTick(this.#end);
  }

  #lookForOthers(database: SqliteDatabase): void {
    const version = database.dataVersion();
    const seen = this.#seen;
    const isForeign = seen?.database === database && seen.commits === commits && seen.version !== version;
    if (isForeign) this.#suspendedUntil = this.#turn.now + suspension;
    this.#seen = { database, version, commits };
  }
}

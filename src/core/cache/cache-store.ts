import type { Logger } from '../foundation/logger.ts';
import type { TableDefinition } from '../repository/table-definition.ts';

/** What is asked for. */
export interface CacheQuestion {
  /** Tells it from every other question of this process. */
  readonly key: string;
  /** What it is counted under. */
  readonly region: string;
  /** What its answer depends on, the same at every time that it is asked; without the slot of everything. */
  readonly slots: readonly number[];
  /** The table that it is about, with the kinds of the columns, for stores that keep rows. */
  readonly definition: TableDefinition;
  /** Whether its answer may not leave the process. */
  readonly isSensitive: boolean;
  /** Tells it from every other question of all processes and versions of the application. Worked out when asked for. */
  sharedKey(): string;
  /**
   * Makes an answer of what the database gave.
   *
   * @throws UnreadableRowError where that is none
   */
  decode(raw: RawAnswer): unknown;
}

/**
 * What the database gave: a row or undefined, a list of rows, a page of rows with its cursors, a count, or whether
 * there is any. Nobody may change it.
 */
export type RawAnswer = unknown;

/** An answer that is kept. */
export interface CacheEntry {
  /** Tells it from a miss. */
  readonly isHit: true;
  /** What it is counted under. */
  readonly region: string;
  /** The name of the store that gave it. */
  readonly tier: string;
  /** The frozen answer; undefined where `isRemade`. */
  readonly value: unknown;
  /** What the database gave, where the answer is made anew for everybody, and when it is handed to a store. */
  readonly raw: RawAnswer;
  /** Whether the answer holds what cannot be frozen, such as a Date: then it is decoded for each caller. */
  readonly isRemade: boolean;
  /** What it depends on. */
  readonly slots: readonly number[];
  /** What these had counted before it was read. */
  readonly stamp: number;
  /** On the monotonic clock of this process, in ms; a store that is shared translates it. */
  readonly storedAt: number;
  /** Until when it is given as it is, on the same clock. */
  readonly freshUntil: number;
  /** Until when it is given while it is read anew, on the same clock; nobody gives it afterwards. */
  readonly staleUntil: number;
  /** About how much memory it takes. */
  readonly bytes: number;
  /** As in a miss, for when it is read anew because of its age. */
  readonly fence?: unknown;
}

/** A store has no answer that may be given. */
export interface CacheMiss {
  /** Tells it from an entry. */
  readonly isHit: false;
  /** What the store wants to see again with the answer, such as the stamps of a server as they are now. */
  readonly fence?: unknown;
}

/** What a store says of itself. */
export interface CacheStoreStats {
  /** How many answers. */
  readonly entries: number;
  /** About how much memory they take. */
  readonly bytes: number;
  /** By region. */
  readonly regions: Readonly<Record<string, { readonly bytes: number; readonly evictions: number }>>;
}

/** What a store is told when it begins to work. */
export interface CacheStoreContext {
  /** Time in ms, for which it never goes back. */
  readonly monotonic: () => number;
  /** Begins the names that are shared with other processes. */
  readonly prefix: string;
  /** Hears what nobody waits for. */
  readonly logger: Logger;
}

/**
 * Where answers are kept: in memory, on a server, in both. Whoever has them at hand answers at once; whoever has to
 * wait returns a promise, which never rejects and is given up by nobody: a store bounds its own waiting.
 *
 * It never decides alone what is valid. In this process a stamp says it: a store that keeps entries here gives one
 * only where its stamp is the one that is handed in. A store that other processes share has stamps of its own, which
 * `move` moves and which it compares where it keeps them: it tells them with a miss (`fence`), and refuses an answer
 * whose fence is not current any more.
 */
export interface CacheStore {
  /** The name of the store in explanations. */
  readonly tier: string;
  /**
   * The store that other processes share, where there is one: itself, or one behind it. Its cache has to name a prefix, since two
   * databases under the same one would be given each other's rows.
   */
  readonly shared?: CacheStore;
  /**
   * Called once, before anything else.
   *
   * @throws ValidationError where it is one that works for another cache already, and cannot for two
   */
  open?(context: CacheStoreContext): void;
  /**
   * The entry of a key that is at hand in this process, whether it is valid or not, as one that was asked for now. The quick
   * way of hits: the cache itself looks whether it may be given. Absent where nothing is at hand.
   */
  at?(key: string): CacheEntry | undefined;
  /**
   * Looks for an answer.
   *
   * @param stamp what the slots of the question count now
   * @param now on the monotonic clock, in ms
   * @returns an entry that is valid and not past `staleUntil`, or a miss. Where it waits for an answer, the entry's
   *   stamp is the one that was handed in, so that a tier in front may keep it under that
   */
  read(
    question: CacheQuestion,
    stamp: number,
    now: number,
  ): CacheEntry | CacheMiss | Promise<CacheEntry | CacheMiss>;
  /**
   * Keeps an answer.
   *
   * @param entry with `raw`, for stores that keep rows
   * @param fence as the miss had it
   * @returns whether it is kept
   */
  store(question: CacheQuestion, entry: CacheEntry, fence: unknown): boolean | Promise<boolean>;
  /** Hears that what was missed comes to nothing: it could not be read, or does not hold any more. */
  giveUp?(question: CacheQuestion, fence: unknown): void;
  /**
   * Makes invalid what depends on a slot, for everybody who shares the store. A store of this process alone has nothing
   * to do, since the stamps have moved.
   *
   * @returns settles once nobody can be given such an answer any more: when the server has confirmed it, or the store
   *   has closed itself
   */
  move?(slots: readonly number[]): Promise<void>;
  /**
   * The entry of a question for explanations. One that is kept in this process need not be valid.
   *
   * @param stamp as `read` is given it; undefined while one of the slots is closed
   */
  peek(
    question: CacheQuestion,
    stamp: number | undefined,
  ): CacheEntry | undefined | Promise<CacheEntry | undefined>;
  /** Forgets what is kept here. What others share becomes invalid by `move`. */
  clear(): void;
  /** How much is kept in this process. */
  stats(): CacheStoreStats;
  /** Ends it, with the cache. Never rejects. */
  close?(): Promise<void>;
}

import type { CompiledQuery } from 'kysely';
import type { CacheStore } from './cache-store.ts';

/** What a bus tells the cache of this process. */
export interface BusListener {
  /** What another process has changed. */
  onMove(slots: readonly number[]): void;
  /**
   * Messages may have been missed, as each time that listening begins: all that is kept is invalid, and from now on
   * every message comes.
   *
   * @param what `keepsSchema`: whether what was missed is known to have changed rows alone
   */
  onGap(what?: { readonly keepsSchema: boolean }): void;
  /** From now on messages may be missed: nothing is given until the next gap or return is told. */
  onLoss(): void;
  /** Behind a loss: nothing was missed after all, and from now on every message comes. */
  onReturn(): void;
}

/**
 * Tells the caches of several processes what has changed. Until it has told the first gap, and behind a loss, the cache
 * gives nothing.
 */
export interface InvalidationBus {
  /**
   * The shared store whose moves it tells of, which is that of the cache. Where there is none, what is heard is moved in the store
   * as well.
   */
  readonly follows?: CacheStore;
  /** Begins to listen. It holds no process, and does not throw. */
  start(listener: BusListener): void;
  /**
   * The statement that tells others, where it can be committed with the change that it tells of. A kill of this process
   * loses nothing then.
   */
  statement?(slots: readonly number[]): CompiledQuery;
  /**
   * Tells others, behind the change. Absent where they find out by themselves.
   *
   * @returns settles when it is sent
   * @throws where it was not
   */
  publish?(slots: readonly number[]): Promise<void>;
  /** Ends the listening. Never rejects. */
  close(): Promise<void>;
}

/** What the thread that copies databases is told, and what it tells. */
import type { BackupProgress } from '../../backup.ts';
import type { SentError } from './worker-protocol.ts';

/** A copy that is to be made and checked. */
export interface CopyJob {
  /** The file to copy; undefined where the target holds the copy already and is to be checked alone. */
  readonly source: string | undefined;
  /** An empty file of its own, which nobody else knows. */
  readonly target: string;
  /** How long another process's lock on the source is waited for, in ms. */
  readonly lockTimeout: number;
  /** Whether all of the copy is read once more to see that it is sound. True by default. */
  readonly check?: boolean;
}

/** What a finished copy is. */
export interface CopyResult {
  readonly pages: number;
  readonly bytes: number;
}

/** What the thread tells: any number of times how far it is, then once how it ended. */
export type CopyReply =
  | { readonly type: 'progress'; readonly progress: BackupProgress }
  | { readonly type: 'done'; readonly result: CopyResult }
  /** The copy is no sound database. */
  | { readonly type: 'damaged' }
  | { readonly type: 'failed'; readonly error: SentError };

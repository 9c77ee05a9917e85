import type { SqliteRole } from '../sqlite-settings.ts';

type Row = Record<string, unknown>;

/** What a worker thread is started with. */
export interface WorkerSettings {
  readonly filename: string;
  readonly role: SqliteRole;
}

/** What the main thread asks for. Each request has one reply, in the order of the requests. */
export type WorkerRequest =
  /** Run a statement; on a reader SQLite refuses one that writes. */
  | { readonly type: 'run'; readonly sql: string; readonly parameters: readonly unknown[] }
  /** Run a statement where it only reads. */
  | { readonly type: 'read'; readonly sql: string; readonly parameters: readonly unknown[] }
  /** Run a statement of our own, such as `begin`. */
  | { readonly type: 'command'; readonly sql: string }
  /** Begin to read row by row, where the statement only reads. */
  | { readonly type: 'openStream'; readonly sql: string; readonly parameters: readonly unknown[] }
  /** Give the next rows of the stream that is open; fewer than `size` are the last. */
  | { readonly type: 'nextChunk'; readonly size: number }
  /** End the stream before its last row. */
  | { readonly type: 'closeStream' };

/** What a worker thread answers. The first one tells that it is ready. */
export type WorkerReply =
  | {
      readonly type: 'done';
      /** Undefined where the statement would have written, and nothing has happened. */
      readonly rows: readonly Row[] | undefined;
      /** The columns that hold bytes: these arrive as plain arrays of bytes. */
      readonly byteColumns: readonly string[];
    }
  | { readonly type: 'failed'; readonly error: SentError };

/** An error on its way between threads, which carry no classes. */
export type SentError =
  | { readonly kind: 'sqlite'; readonly code: string; readonly message: string }
  | { readonly kind: 'unsafeInteger'; readonly column: string }
  | { readonly kind: 'configuration'; readonly message: string }
  | { readonly kind: 'other'; readonly name: string; readonly message: string };

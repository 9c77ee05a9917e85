import { Buffer } from 'node:buffer';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { ConnectionError } from '../../../foundation/errors/connection-errors.ts';
import { receiveError } from './sent-error.ts';
import type { WorkerReply, WorkerRequest, WorkerSettings } from './worker-protocol.ts';

type Row = Record<string, unknown>;

interface Waiting {
  resolve(rows: readonly Row[] | undefined): void;
  reject(error: Error): void;
}

/**
 * One worker thread with one reader connection, seen from the main thread. Requests are answered in their
 * order. When the thread dies, whatever the cause, everything that waits for it is rejected at once.
 *
 * The thread keeps the process alive only while somebody waits for an answer.
 */
export class SqliteWorker {
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  #lost: Error | undefined;
  /** Resolves when the thread has ended. Never rejects. */
  readonly ended: Promise<void>;
  /** Resolves when the connection is open. @throws what opening it threw */
  readonly ready: Promise<void>;

  constructor(settings: WorkerSettings) {
    // The same file is TypeScript where the library runs from its sources, and JavaScript where it is built.
    const program = new URL(`./sqlite-worker-main${extname(import.meta.url)}`, import.meta.url);
    this.#worker = new Worker(program, { workerData: settings, name: 'liminal-data reader' });
    this.#worker.on('message', (reply: WorkerReply) => this.#settle(reply));
    this.#worker.on('error', (error) => this.#lose(error));
    this.ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#lose(undefined);
        resolve();
      });
    });
    this.ready = this.#wait().then(() => {});
    // Whoever asks for it hears of a failure; nobody else has to.
    this.ready.catch(() => {});
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /**
   * Sends one request.
   *
   * @returns the rows; undefined where a read would have written
   * @throws what SQLite threw, as its driver would, or ConnectionError where the thread is lost
   */
  send(request: WorkerRequest): Promise<readonly Row[] | undefined> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    this.#worker.postMessage(request);
    return this.#wait();
  }

  /**
   * Lets go of the thread: nobody hears of it any more. A query that runs in it cannot be stopped and ends by
   * itself; only then the thread does.
   *
   * @param reason what those get who still wait for it
   */
  abandon(reason: Error): void {
    this.#lose(reason);
    this.#worker.unref();
    void this.#worker.terminate();
  }

  #wait(): Promise<readonly Row[] | undefined> {
    this.#worker.ref();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  #settle(reply: WorkerReply): void {
    const waiting = this.#waiting.shift();
    if (this.#waiting.length === 0) this.#worker.unref();
    if (reply.type === 'failed') waiting?.reject(receiveError(reply.error));
    else waiting?.resolve(withBuffers(reply.rows, reply.byteColumns));
  }

  #lose(reason: Error | undefined): void {
    this.#lost ??= reason instanceof ConnectionError ? reason : lostError(reason);
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#lost);
  }
}

function withBuffers(
  rows: readonly Row[] | undefined,
  byteColumns: readonly string[],
): readonly Row[] | undefined {
  for (const column of byteColumns) {
    for (const row of rows ?? []) {
      const bytes = row[column];
      if (bytes instanceof Uint8Array) {
        row[column] = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      }
    }
  }
  return rows;
}

function lostError(cause: Error | undefined): ConnectionError {
  return new ConnectionError(
    'The worker thread that ran the read has ended before it answered. Nothing was changed; another thread takes its place.',
    cause === undefined ? {} : { cause },
  );
}

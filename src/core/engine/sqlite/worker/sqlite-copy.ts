import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { ConnectionError } from '../../../foundation/errors/connection-errors.ts';
import { CorruptDatabaseError } from '../../../foundation/errors/statement-errors.ts';
import type { CopyOptions } from '../../backup.ts';
import { translateSqliteError } from '../sqlite-errors.ts';
import type { CopyJob, CopyReply, CopyResult } from './copy-protocol.ts';
import { receiveError } from './sent-error.ts';

/**
 * Copies a database into a file, checks the copy and brings it to the disk, all in a thread of its own. It gives the
 * file no other name.
 *
 * @param job what is copied; the target is whatever it is where the copy fails
 * @param label how errors name the source
 * @throws CorruptDatabaseError where the copy is no sound database; the error of SQLite; the signal's reason; and
 *   what `onProgress` throws
 */
export async function copyDatabase(
  job: CopyJob,
  label: string,
  { onProgress, signal }: CopyOptions,
): Promise<CopyResult> {
  signal?.throwIfAborted();
  // The same file is TypeScript where the library runs from its sources, and JavaScript where it is built.
  const program = new URL(`./sqlite-copy-main${extname(import.meta.url)}`, import.meta.url);
  const worker = new Worker(program, { workerData: job, name: 'liminal-data copy' });
  const { promise, resolve, reject } = Promise.withResolvers<CopyResult>();
  const abort = (): void => reject(signal?.reason as Error);
  signal?.addEventListener('abort', abort, { once: true });
  worker.on('message', (reply: CopyReply) => {
    try {
      if (reply.type === 'progress') onProgress?.(reply.progress);
      else if (reply.type === 'done') resolve(reply.result);
      else reject(reply.type === 'damaged' ? damagedError(label) : receiveError(reply.error));
    } catch (error) {
      reject(error);
    }
  });
  worker.once('error', reject);
  worker.once('exit', () => reject(lostError(label)));
  try {
    return await promise;
  } catch (error) {
    throw isOfSqlite(error) ? translateSqliteError(error, label) : error;
  } finally {
    signal?.removeEventListener('abort', abort);
    // Whoever removes the target needs to know that nobody writes it any more.
    await worker.terminate();
  }
}

function isOfSqlite(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.name === 'SqliteError';
}

function damagedError(label: string): CorruptDatabaseError {
  return new CorruptDatabaseError(
    `The copy of ${label} does not pass integrity_check, so it was thrown away. Check the original with "pragma integrity_check", and restore an older backup where it is damaged.`,
  );
}

function lostError(label: string): ConnectionError {
  return new ConnectionError(
    `The thread that copied ${label} has ended before it was done. Nothing was changed; start again.`,
  );
}

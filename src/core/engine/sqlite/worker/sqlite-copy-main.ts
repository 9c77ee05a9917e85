/**
 * What runs in a worker thread for a backup: copies one database into another file, checks the copy and brings it
 * to the disk. Copying, checking and flushing are synchronous and take as long as the database is large, so none of
 * them may run on the thread of the application.
 */
import type { Database } from 'better-sqlite3';
import { closeSync, fsyncSync, openSync, statSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import type { BackupProgress } from '../../backup.ts';
import { loadSqlite, type OpenSqlite } from '../sqlite-package.ts';
import type { CopyJob, CopyReply, CopyResult } from './copy-protocol.ts';
import { sendError } from './sent-error.ts';

/** Between two steps others get at the locks, so a step is short: 4 MB of pages of 4 KiB. */
const pagesPerStep = 1_000;
/** How often progress is told, in ms. */
const toldEvery = 50;

const port = parentPort!;

async function copy(open: OpenSqlite, { source, target, lockTimeout }: CopyJob): Promise<void> {
  if (source === undefined) return;
  const database = open(source, { readonly: true, fileMustExist: true, timeout: lockTimeout });
  try {
    // The snapshot holds for all steps: without it each commit of somebody else would begin the copy anew.
    database.exec('begin');
    database.prepare('select count(*) from sqlite_schema').get();
    await database.backup(target, { progress: tellProgress() });
  } finally {
    database.close();
  }
}

function tellProgress(): (pages: { totalPages: number; remainingPages: number }) => number {
  let toldAt = Number.NEGATIVE_INFINITY;
  return ({ totalPages, remainingPages }) => {
    if (performance.now() - toldAt >= toldEvery) {
      toldAt = performance.now();
      tell({ stage: 'copy', done: totalPages - remainingPages, total: totalPages });
    }
    return pagesPerStep;
  };
}

/** @returns undefined where the copy is no sound database */
function check(open: OpenSqlite, { target, check: isChecked = true }: CopyJob): CopyResult | undefined {
  const database = open(target, { fileMustExist: true });
  try {
    const pages = readPragma(database, 'page_count') as number;
    tell({ stage: 'check', done: pages, total: pages });
    // One file that needs none beside it, and that a reader without the right to write can open.
    database.pragma('journal_mode = delete');
    if (isChecked && readPragma(database, 'integrity_check(1)') !== 'ok') return undefined;
    return { pages, bytes: statSync(target).size };
  } finally {
    database.close();
  }
}

function readPragma(database: Database, name: string): unknown {
  return database.pragma(name, { simple: true });
}

function flush(target: string): void {
  const file = openSync(target, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function tell(progress: BackupProgress): void {
  reply({ type: 'progress', progress });
}

function reply(message: CopyReply): void {
  port.postMessage(message);
}

try {
  const job = workerData as CopyJob;
  const open = await loadSqlite();
  await copy(open, job);
  const result = check(open, job);
  flush(job.target);
  reply(result === undefined ? { type: 'damaged' } : { type: 'done', result });
} catch (error) {
  reply({ type: 'failed', error: sendError(error) });
}

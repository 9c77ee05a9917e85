/**
 * What runs in a worker thread: one reader connection, one request at a time, one reply to each. It knows no
 * queue, no deadline and no retry; the main thread does.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { waitForLock } from '../lock-wait.ts';
import { SqliteDatabase } from '../sqlite-database.ts';
import { loadSqlite } from '../sqlite-package.ts';
import { systemClock } from '../../../foundation/clock.ts';
import { sendError } from './sent-error.ts';
import type { WorkerReply, WorkerRequest, WorkerSettings } from './worker-protocol.ts';

type Row = Record<string, unknown>;

/** How long opening may wait for another process's lock, in ms: the recovery of a crashed one takes it. */
const openTimeout = 5_000;

const port = parentPort!;
let stream: Iterator<Row> | undefined;

async function open({ filename, role }: WorkerSettings): Promise<SqliteDatabase> {
  const openSqlite = await loadSqlite();
  const database = new SqliteDatabase(openSqlite(filename, { timeout: 0, fileMustExist: true }));
  await waitForLock(() => database.configure(role), openTimeout, systemClock);
  return database;
}

function answer(database: SqliteDatabase, request: WorkerRequest): readonly Row[] | undefined {
  switch (request.type) {
    case 'run':
      return database.run<Row>(request.sql, request.parameters).rows;
    case 'read':
      return database.read<Row>(request.sql, request.parameters)?.rows;
    case 'command':
      database.command(request.sql);
      return [];
    case 'openStream':
      if (!database.isRead(request.sql)) return undefined;
      stream = database.iterate(request.sql, request.parameters);
      return [];
    case 'nextChunk':
      return takeRows(request.size);
    case 'closeStream':
      stream?.return?.();
      stream = undefined;
      return [];
  }
}

function takeRows(size: number): Row[] {
  const rows: Row[] = [];
  while (stream !== undefined && rows.length < size) {
    const next = stream.next();
    if (next.done === true) stream = undefined;
    else rows.push(next.value);
  }
  return rows;
}

/** Between threads a Buffer becomes a plain array of bytes; the other side has to know which were some. */
function findByteColumns(rows: readonly Row[] | undefined): string[] {
  const found = new Set<string>();
  for (const row of rows ?? []) {
    for (const column in row) if (row[column] instanceof Uint8Array) found.add(column);
  }
  return [...found];
}

function reply(work: () => readonly Row[] | undefined): void {
  let message: WorkerReply;
  try {
    const rows = work();
    message = { type: 'done', rows, byteColumns: findByteColumns(rows) };
  } catch (error) {
    message = { type: 'failed', error: sendError(error) };
  }
  port.postMessage(message);
}

try {
  const database = await open(workerData as WorkerSettings);
  port.on('message', (request: WorkerRequest) => reply(() => answer(database, request)));
  reply(() => []);
} catch (error) {
  reply(() => {
    throw error;
  });
}

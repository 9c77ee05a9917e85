import { open } from 'node:fs/promises';
import type { ExaminationFinding } from '../examination.ts';

/** Where the header says which journal the file is read and written with, and what it says for the write-ahead log. */
const journalAt = 18;
const walJournal = 2;
const headerBytes = 100;
const magic = 'SQLite format 3\0';

/**
 * Looks at the header of a file before anybody opens it, since a connection would switch another journal mode to the
 * write-ahead log. Only for a process that has no connection to the file: when it closes the file behind the look, all locks
 * are gone that connections of the process have on it.
 *
 * @param file its path
 * @returns why the database should not be opened to look at it; undefined where nothing speaks against it
 */
export async function examineSqliteHeader(file: string): Promise<ExaminationFinding | undefined> {
  const subject = 'journal';
  let header: Buffer;
  try {
    header = await readHeader(file);
  } catch (error) {
    const message = `The file ${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`;
    const remedy = 'Mend the path, or let the owner of this process read the file.';
    return { subject, status: 'unhealthy', message, remedy };
  }
  if (header.length === 0) {
    const message = `The file ${file} is empty: nothing has been stored in it yet.`;
    const remedy = 'Run "liminal-data migrate latest", or mend the path.';
    return { subject, status: 'degraded', message, remedy };
  }
  if (header.length < headerBytes || !header.toString('latin1').startsWith(magic)) {
    const message = `The file ${file} is no SQLite database, or its beginning is damaged.`;
    const remedy = 'Mend the path, or restore the file from a backup.';
    return { subject, status: 'unhealthy', message, remedy };
  }
  if (header[journalAt] !== walJournal) {
    const message =
      'The file has no write-ahead log: readers and the writer hold each other up. Nothing else was looked at, since opening it here would change that.';
    const remedy = 'Let the application open it once, which sets the write-ahead log; then ask again.';
    return { subject, status: 'degraded', message, remedy };
  }
  return undefined;
}

async function readHeader(file: string): Promise<Buffer> {
  await using handle = await open(file);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(headerBytes), 0, headerBytes, 0);
  return buffer.subarray(0, bytesRead);
}

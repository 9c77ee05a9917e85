import { readFileSync } from 'node:fs';

/** How many commits lie in the write-ahead log of a file, since it was last begun anew. */
export function countCommits(filename: string): number {
  const log = readFileSync(`${filename}-wal`);
  const headerSize = 32;
  const frameHeaderSize = 24;
  const pageSize = log.readUInt32BE(8);
  const salt = log.subarray(16, 24);
  let commits = 0;
  for (let at = headerSize; at + frameHeaderSize + pageSize <= log.length; at += frameHeaderSize + pageSize) {
    if (!log.subarray(at + 8, at + 16).equals(salt)) break;
    // The last frame of a commit says how large the database is behind it.
    if (log.readUInt32BE(at + 4) > 0) commits += 1;
  }
  return commits;
}

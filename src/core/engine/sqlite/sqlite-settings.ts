import type { SqliteConnection } from '../../config/sqlite-config.ts';

/** What a connection is for, and what its commits wait for. */
export interface SqliteRole {
  readonly kind: 'writer' | 'reader';
  readonly durability: SqliteConnection['durability'];
  /** Whether the database lives in memory alone. */
  readonly memory: boolean;
}

/** To how many bytes a checkpoint cuts the write-ahead log back. */
export const walLimit = 64 * 1024 * 1024;

/** The page cache of a connection, in KiB. SQLite's own 2,000 are too few for the indexes of a large table. */
const cacheSize = 16_000;

/**
 * The settings of a new connection.
 *
 * - The write-ahead log, so that reads go on beside a write; only the writer checkpoints.
 * - No waiting inside of SQLite, which would freeze the event loop.
 * - A schema and pages that somebody else may have written are not trusted.
 * - No memory map: where a mapped file is cut short, the process ends by SIGBUS.
 */
export function openingPragmas({ kind, durability, memory }: SqliteRole): string {
  const settings = [
    ...(memory ? [] : ['journal_mode = WAL', `journal_size_limit = ${walLimit}`]),
    `synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'}`,
    'busy_timeout = 0',
    'foreign_keys = ON',
    'trusted_schema = OFF',
    'cell_size_check = ON',
    'temp_store = MEMORY',
    'mmap_size = 0',
    `cache_size = -${cacheSize}`,
    ...(kind === 'reader' ? ['wal_autocheckpoint = 0', 'query_only = ON'] : []),
  ];
  return settings.map((setting) => `pragma ${setting};`).join(' ');
}

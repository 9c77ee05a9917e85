import { Buffer } from 'node:buffer';
import { basename } from 'node:path';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { decodePercent } from './decode-percent.ts';
import type { ConfigSection } from './config-section.ts';
import type { EngineConfig } from './engine-config.ts';

/** Where a SQLite database is. */
export interface SqliteConnection {
  /** The file's path, or `:memory:`. */
  readonly filename: string;
  /** Whether the database lives in memory alone and is gone when the provider closes. */
  readonly memory: boolean;
  /**
   * What a commit waits for. `full`: the disk has it, so that no acknowledged write is lost by a loss of power.
   * `normal`: the operating system has it; a loss of power may take the last commits. `full` by default.
   */
  readonly durability: 'full' | 'normal';
  /** Worker threads that run the reads, so that a heavy one does not hold the event loop. From 0 to 64; 0 by default, and at most `pool.max` − 1 of them are started. */
  readonly workers: number;
  /** From how long on a statement that keeps the event loop from turning is warned of, in ms. From 0 (never) to 1 h; 50 by default. */
  readonly loopBlockThreshold: number;
}

/** What a SQLite connection is where nothing is said. @internal but for the test of the docs */
export const sqliteDefaults = { durability: 'full' } as const;

/** Range and default of `connection.workers`. @internal but for the test of the docs */
export const workersOption = { min: 0, max: 64, default: 0 };

/** Range and default of `connection.loopBlockThreshold`. @internal but for the test of the docs */
export const loopBlockOption = { min: 0, max: 3_600_000, default: 50 };

const memoryName = ':memory:';

/** The longest path that Linux takes (PATH_MAX, limits.h), in bytes. */
const longestFilename = 4096;

/**
 * The configuration of SQLite. It looks at the name alone: whether the path is a folder, or may be written,
 * shows when the database is opened.
 */
export const sqliteConfig: EngineConfig<'sqlite', SqliteConnection> = {
  type: 'sqlite',
  schemes: ['sqlite', 'file'],
  fromUrl: (url) => ({ connection: { filename: decodePercent(findPath(url)) } }),
  parseConnection,
  // Without its folders, which say more of the machine than of the database.
  placeOf: ({ filename }) => ({ system: 'sqlite', namespace: basename(filename) }),
};

/** `sqlite:name`, `sqlite:///absolute` and `sqlite://./relative` are paths; `sqlite://name` looks like a host. */
function findPath(url: string): string {
  const path = url.slice(url.indexOf(':') + 1);
  if (!path.startsWith('//')) return path;
  const rest = path.slice(2);
  if (/^[./]|^:memory:$/.test(rest)) return rest.replace(/^\/(?=[A-Za-z]:\/)/, '');
  throw new ValidationError(
    'must name a file after its scheme, without a host: sqlite:app.db, sqlite:///folder/app.db',
  );
}

function parseConnection(section: ConfigSection): SqliteConnection {
  const memory = section.boolean('memory', section.value('filename') === memoryName);
  const filename = section.string('filename') ?? (memory ? memoryName : '');
  if (!section.has('filename') && !memory) {
    section.fault('filename', 'is missing; give a path, or memory: true');
  } else if (memory !== (filename === memoryName) && filename !== '') {
    section.fault('memory', `contradicts the filename; give one of them, or the filename ${memoryName}`);
  }
  checkFilename(filename, section);
  const durability = section.oneOf('durability', ['full', 'normal']) ?? sqliteDefaults.durability;
  const workers = section.integer('workers', workersOption);
  if (memory && workers > 0) {
    section.fault('workers', 'must be 0 for a database in memory, which another thread cannot see');
  }
  const loopBlockThreshold = section.integer('loopBlockThreshold', loopBlockOption);
  return { filename, memory, durability, workers, loopBlockThreshold };
}

function checkFilename(filename: string, section: ConfigSection): void {
  if (Buffer.byteLength(filename) > longestFilename) {
    section.fault('filename', `must be at most ${longestFilename} bytes long`);
  }
  if (/^(file|sqlite):/i.test(filename)) {
    section.fault('filename', 'must be a path; a URL belongs into url');
  }
  // better-sqlite3 trims names, so that ' :memory:' would be a database that is gone when it closes.
  if (filename !== filename.trim()) {
    section.fault('filename', 'must not begin or end with white space, which the driver would cut off');
  }
  // What a template string makes of a variable that was never set. A file of that name is `./undefined`.
  if (filename === 'undefined' || filename === 'null') {
    section.fault('filename', 'was made from a value that is not set');
  }
}

import type { Database, Options } from 'better-sqlite3';
import { ConfigurationError } from '../../foundation/errors/configuration-error.ts';
import { assertNodeVersion } from '../../foundation/runtime.ts';

/** Opens one connection with better-sqlite3. */
export type OpenSqlite = (filename: string, options: Options) => Database;

/** Older ones may lose a commit where a writer and a checkpoint meet (the WAL-reset bug). */
const oldestSqlite = [3, 51, 3] as const;

/** What the binary of better-sqlite3 13 is built for. An older Node does not refuse it, it crashes. */
const oldestNodeApi = 10;

let loaded: Promise<OpenSqlite> | undefined;

/**
 * Loads better-sqlite3, once.
 *
 * @throws ConfigurationError where this Node or the SQLite in it is too old, or it cannot be loaded
 */
export function loadSqlite(): Promise<OpenSqlite> {
  loaded ??= load().catch((error: unknown) => {
    loaded = undefined;
    throw error;
  });
  return loaded;
}

async function load(): Promise<OpenSqlite> {
  assertNodeVersion();
  assertNodeApi(process.versions['napi']);
  const open = await importPackage();
  assertSqliteVersion(open);
  return open;
}

function assertNodeApi(version: string | undefined): void {
  if (Number(version) >= oldestNodeApi) return;
  throw new ConfigurationError(
    `SQLite needs a Node with Node-API ${oldestNodeApi} or newer, which Node 22.14 has; this is Node ${process.versions.node} with Node-API ${version}. Update Node.`,
  );
}

async function importPackage(): Promise<OpenSqlite> {
  try {
    const { default: BetterSqlite3 } = await import('better-sqlite3');
    // The package loads its binary with the first database; a binary that is missing must show here.
    new BetterSqlite3(':memory:').close();
    return (filename, options) => new BetterSqlite3(filename, options);
  } catch (cause) {
    throw new ConfigurationError(
      'SQLite needs the package better-sqlite3 13 or newer with its binary, which could not be loaded. Run: npm install better-sqlite3; where the package is there, npm rebuild better-sqlite3',
      { cause },
    );
  }
}

function assertSqliteVersion(open: OpenSqlite): void {
  const database = open(':memory:', {});
  const version = database.prepare('select sqlite_version()').pluck().get() as string;
  database.close();
  const parts = version.split('.').map(Number);
  const differing = oldestSqlite.findIndex((part, index) => parts[index] !== part);
  if (differing === -1 || Number(parts[differing]) > Number(oldestSqlite[differing])) return;
  throw new ConfigurationError(
    `better-sqlite3 brings SQLite ${version}, which may lose commits; ${oldestSqlite.join('.')} or newer is needed. Run: npm install better-sqlite3@latest`,
  );
}

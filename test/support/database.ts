/**
 * Declares a suite once for each database. Every suite makes databases of its own and leaves none behind.
 */
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { databaseNames, isSwitchedOff, type DatabaseName } from './engines.ts';
import { getPostgresServer } from './postgres-server.ts';
import { makeTempDirectory } from './temp-directory.ts';

export interface TestDatabase {
  readonly name: DatabaseName;
  /**
   * Makes a new empty database; call it in a hook or a test. The same URL opened twice is one database seen
   * by two handles, except for `sqlite-memory`, where each handle has a database of its own.
   */
  freshUrl(): Promise<string>;
  /**
   * The same, but where it can a copy of a database that is made once a process: for suites that want dozens of
   * databases with the same tables. In memory, where nothing can be copied, the database is empty.
   *
   * @param original its name
   * @param prepare fills the original, and closes what it opened
   */
  copyUrl(original: string, prepare: Prepare): Promise<string>;
  /**
   * Removes every database made so far; runs by itself when the suite ends, after the suite's own hooks. Those of
   * Postgres go while later tests run.
   */
  cleanup(): Promise<void>;
}

/** Fills a database, given its URL. */
type Prepare = (url: string) => Promise<void>;

/** Declares `title [database]` for each database; a suite of a switched-off database counts as skipped. */
export function describeOnEachDatabase(title: string, body: (database: TestDatabase) => void): void {
  for (const name of databaseNames) describeOnDatabase(name, title, body);
}

/** The same for one database: for promises that only one engine makes. */
export function describeOnDatabase(
  name: DatabaseName,
  title: string,
  body: (database: TestDatabase) => void,
): void {
  const declare = isSwitchedOff(name) ? describe.skip : describe;
  declare(`${title} [${name}]`, () => {
    const database = makeTestDatabase(name);
    body(database);
    after(function () {
      // Dozens of databases of one suite take their time on a machine that has more to do.
      this.timeout(120_000);
      return database.cleanup();
    });
  });
}

export function makeTestDatabase(name: DatabaseName): TestDatabase {
  const removals: (() => Promise<void>)[] = [];
  const keep = ({ url, remove }: MadeDatabase): string => {
    removals.push(remove);
    return url;
  };
  return {
    name,
    freshUrl: async () => keep(await makers[name]()),
    copyUrl: async (original, prepare) => keep(await copiers[name](original, prepare)),
    async cleanup() {
      for (const remove of removals.splice(0)) await remove();
    },
  };
}

interface MadeDatabase {
  url: string;
  remove: () => Promise<void>;
}

const makers: Record<DatabaseName, () => Promise<MadeDatabase>> = {
  'sqlite-file': makeSqliteFile,
  'sqlite-memory': () => Promise.resolve({ url: 'sqlite::memory:', remove: () => Promise.resolve() }),
  postgres: makePostgresDatabase,
};

const copiers: Record<DatabaseName, (original: string, prepare: Prepare) => Promise<MadeDatabase>> = {
  'sqlite-file': copySqliteFile,
  'sqlite-memory': makers['sqlite-memory'],
  postgres: copyPostgresDatabase,
};

const originals = new Map<string, Promise<string>>();

async function copySqliteFile(original: string, prepare: Prepare): Promise<MadeDatabase> {
  let prepared = originals.get(original);
  if (prepared === undefined) {
    prepared = makeSqliteFile().then(async ({ url }) => {
      await prepare(url);
      return url;
    });
    originals.set(original, prepared);
  }
  const from = pathIn(await prepared);
  const made = await makeSqliteFile();
  copyFileSync(from, pathIn(made.url));
  return made;
}

function pathIn(url: string): string {
  return url.slice('sqlite:'.length);
}

function makeSqliteFile(): Promise<MadeDatabase> {
  const directory = makeTempDirectory('sqlite');
  return Promise.resolve({
    url: `sqlite:${join(directory, 'test.db')}`,
    remove: () => {
      rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
      return Promise.resolve();
    },
  });
}

async function makePostgresDatabase(): Promise<MadeDatabase> {
  const { databases } = await getPostgresServer();
  const url = await databases.take();
  return { url, remove: () => Promise.resolve(databases.remove(url)) };
}

async function copyPostgresDatabase(original: string, prepare: Prepare): Promise<MadeDatabase> {
  const { databases } = await getPostgresServer();
  const url = await databases.copy(original, prepare);
  return { url, remove: () => Promise.resolve(databases.remove(url)) };
}

/** One of several processes that write and read the same rows by their caches, and check every read. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { dataVersionBus, postgresBus, type InvalidationBus } from '../../../src/core/cache/index.ts';
import type { DatabaseProvider } from '../../../src/core/index.ts';
import { integerBetween, seededRandom } from '../../support/seeded-random.ts';
import { openCached, type CachedDatabase, type CachedTables } from './cached-fixture.ts';

/** What a process has found. */
export interface StressReport {
  readonly reads: number;
  readonly hits: number;
  readonly violations: readonly string[];
  /** Of each change that the database has shown: for how long answers were older than that, in ms. */
  readonly lags: readonly number[];
}

export function rowOf(process: number): string {
  return `00000000-0000-4000-8000-00000000000${process}`;
}

/** Opens a database that is there, with the bus of its engine. */
export function openStressed(url: string): Promise<CachedDatabase> {
  const busOf = (provider: DatabaseProvider<CachedTables>): InvalidationBus =>
    provider.sql.notify === undefined ? dataVersionBus(provider) : postgresBus(provider);
  return openCached(url, { bus: busOf, isNew: false });
}

/** Writes a row in one of the ways that there are. */
export async function write(opened: CachedDatabase, id: string, way: number): Promise<void> {
  const { provider, people, unitOfWork } = opened;
  const next = provider.db
    .updateTable('people')
    .set(({ eb }) => ({ version: eb('version', '+', 1) }))
    .where('id', '=', id);
  if (way === 0) await next.execute();
  else if (way === 1) await provider.batch([next]);
  else if (way === 2) await people.update(await opened.plainPeople.getById(id));
  else if (way === 3) await provider.exec('update people set version = version + 1 where id = ?', [id]);
  else await unitOfWork.run(async ({ db }) => void (await db.executeQuery(next.compile())));
}

/** @param own the number of this process, whose row it alone writes; the other one's is read only */
export async function stress(
  url: string,
  own: number,
  other: number,
  count: number,
  open = openStressed,
): Promise<StressReport> {
  await using opened = disposable(await open(url));
  const { people, plainPeople, cache } = opened;
  const random = seededRandom(own + 1);
  const violations: string[] = [];
  const lags: number[] = [];
  let reads = 0;
  let acknowledged = (await plainPeople.getById(rowOf(own))).version;
  let written = 0;
  let isWriting = true;
  // Hits are many in no time: of what is never written nothing can be old.
  const isGoingOn = (): boolean => reads < count || written < count / 100;
  const versionOf = async (process: number): Promise<number> => {
    reads += 1;
    const id = rowOf(process);
    if (random() < 0.5) return (await people.getById(id)).version;
    return (await people.findMany({ email: `${id}@x` }))[0]!.version;
  };
  const readOwn = async (): Promise<void> => {
    while (isGoingOn()) {
      const before = acknowledged;
      const version = await versionOf(own);
      if (version < before) violations.push(`own row at ${version}, committed at ${before}`);
      // Hits alone would let nothing else of the process have its turn, and it is to hear of others.
      if (reads % 10 === 0) await nextTurn();
    }
  };
  const readOther = async (): Promise<void> => {
    let newest = 0;
    let known = 0;
    while (isGoingOn()) {
      const shown = (await plainPeople.getById(rowOf(other))).version;
      const start = performance.now();
      let version = await versionOf(other);
      while (version < shown) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        version = await versionOf(other);
      }
      // Most of the time nothing has changed: counted as well, that would hide the rest.
      if (shown > known) lags.push(performance.now() - start);
      known = shown;
      if (version < newest) violations.push(`row of another at ${version}, behind ${newest}`);
      newest = Math.max(newest, version);
    }
    isWriting = false;
  };
  const writeOwn = async (): Promise<void> => {
    while (isWriting) {
      await write(opened, rowOf(own), integerBetween(random, 0, 5));
      acknowledged += 1;
      written += 1;
      await new Promise((resolve) => setTimeout(resolve, integerBetween(random, 0, 6)));
    }
  };
  await Promise.all([readOwn(), readOwn(), readOther(), writeOwn()]);
  return { reads, hits: cache.stats().regions['people']!.hits, violations, lags };
}

function disposable(opened: CachedDatabase): CachedDatabase & AsyncDisposable {
  return Object.assign(opened, { [Symbol.asyncDispose]: () => opened.close() });
}

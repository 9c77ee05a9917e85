/**
 * Which databases take part in a test run.
 *
 * A database that is missing is a failure; it can only be left out by name:
 * `LIMINAL_TEST_SKIP=postgres,sqlite-memory npm test`.
 */
export const databaseNames = ['sqlite-file', 'sqlite-memory', 'postgres'] as const;

export type DatabaseName = (typeof databaseNames)[number];

/** The databases that `LIMINAL_TEST_SKIP` switches off; a name that it cannot know is an error, not a no-op. */
function parseSwitchedOff(setting: string | undefined): ReadonlySet<DatabaseName> {
  const asked = (setting ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return new Set(
    asked.map((name) => {
      const known = databaseNames.find((candidate) => candidate === name);
      if (known === undefined) {
        throw new Error(
          `LIMINAL_TEST_SKIP names "${name}", which is no database of the tests. Known: ${databaseNames.join(', ')}.`,
        );
      }
      return known;
    }),
  );
}

const switchedOff = parseSwitchedOff(process.env['LIMINAL_TEST_SKIP']);

export function isSwitchedOff(name: DatabaseName): boolean {
  return switchedOff.has(name);
}

/**
 * True where the run repeats every soak count in full (`npm run test:soak`). It has the machine to itself: there limits
 * in real time are asserted that elsewhere are only printed, since a busy machine would break them.
 */
export const isSoak = process.env['LIMINAL_SOAK'] === '1';

/** How often a test repeats: the whole count in a soak, else a tenth of it, but at least 20. */
export function soakCount(whole: number): number {
  return isSoak ? whole : Math.min(whole, Math.max(20, Math.ceil(whole / 10)));
}

/**
 * The same for a test that runs on each database: in a soak the whole count on each, else they share the tenth, with at
 * least 20 each. Seeds differ by `databaseSeed`, so that together they try as many different cases.
 */
export function sharedCount(whole: number): number {
  return isSoak ? whole : Math.min(whole, Math.max(20, Math.ceil(soakCount(whole) / databaseNames.length)));
}

/** A seed of the database's own; the given one in a soak, where each tries them all. */
export function databaseSeed(seed: number, database: DatabaseName): number {
  return isSoak ? seed : seed + databaseNames.indexOf(database);
}

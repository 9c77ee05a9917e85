import type { Contender, ContenderOptions } from './contender.ts';

/** Who takes part, in the order of the columns. */
export const contenderNames = [
  'raw',
  'kysely',
  'drizzle',
  'drizzle-prepared',
  'postgres.js',
  'liminal-prepared',
  'liminal-repository',
  'liminal-kysely',
] as const;

export type ContenderName = (typeof contenderNames)[number];

export const contenderTitles: Readonly<Record<ContenderName, string>> = {
  raw: 'raw',
  kysely: 'kysely',
  drizzle: 'drizzle',
  'drizzle-prepared': 'drizzle `.prepare`',
  'postgres.js': 'postgres.js',
  'liminal-prepared': 'ours: prepared',
  'liminal-repository': 'ours: repository',
  'liminal-kysely': 'ours: plain Kysely',
};

/** Those that need nothing but what the library's own tests need. */
export const contendersOfTheHouse = [
  'raw',
  'kysely',
  'liminal-prepared',
  'liminal-repository',
  'liminal-kysely',
] as const satisfies readonly ContenderName[];

/** What a contender's module exports. */
interface ContenderModule {
  readonly open: (options: ContenderOptions) => Promise<Contender>;
}

/** Where each contender is, by engine; absent where the engine has none of the name. */
const modules: Readonly<Record<ContenderName, { readonly sqlite?: string; readonly postgres?: string }>> = {
  raw: { sqlite: './contenders/raw-sqlite.ts', postgres: './contenders/raw-postgres.ts' },
  kysely: forBoth('./contenders/kysely.ts'),
  drizzle: { sqlite: './peers/drizzle-sqlite.ts', postgres: './peers/drizzle-postgres.ts' },
  'drizzle-prepared': {
    sqlite: './peers/drizzle-sqlite-prepared.ts',
    postgres: './peers/drizzle-postgres-prepared.ts',
  },
  'postgres.js': { postgres: './peers/postgres-js.ts' },
  'liminal-prepared': forBoth('./contenders/liminal-prepared.ts'),
  'liminal-repository': forBoth('./contenders/liminal-repository.ts'),
  'liminal-kysely': forBoth('./contenders/liminal-kysely.ts'),
};

/** @returns the names of those that an engine has */
export function findContenders(engine: ContenderOptions['engine']): ContenderName[] {
  return contenderNames.filter((name) => modules[name][engine] !== undefined);
}

/** Opens a contender; its packages load now, so that a process loads those of its own alone. */
export async function openContender(name: ContenderName, options: ContenderOptions): Promise<Contender> {
  const path = modules[name][options.engine];
  if (path === undefined) throw new Error(`There is no contender "${name}" on ${options.engine}.`);
  const { open } = (await import(path)) as ContenderModule;
  return open(options);
}

function forBoth(path: string): { sqlite: string; postgres: string } {
  return { sqlite: path, postgres: path };
}

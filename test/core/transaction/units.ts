/** A unit of work over the table of things, and what stands in that table. */
import {
  UnitOfWork,
  type DatabaseProvider,
  type ProviderOptions,
  type UnitOfWorkOptions,
} from '../../../src/core/index.ts';
import type { TestDatabase } from '../../support/database.ts';
import {
  createThingRepository,
  makeThing,
  openThings,
  type Tables,
  type ThingRepository,
} from '../repository/things.ts';

/** The repositories that every unit of the tests has. */
export interface Repositories {
  readonly things: ThingRepository;
}

/** A provider, units on it, and looks at it from outside. */
export interface Units {
  readonly provider: DatabaseProvider<Tables>;
  readonly unitOfWork: UnitOfWork<Tables, Repositories>;
  /** The scores of everything that is stored, in their order. */
  readonly scores: () => Promise<number[]>;
}

/** Units on a new database. */
export async function openUnits(
  database: TestDatabase,
  options: ProviderOptions<Tables> = {},
  defaults?: UnitOfWorkOptions<Tables, Repositories, unknown>['defaults'],
): Promise<Units> {
  return unitsOf(await openThings(database, options), defaults);
}

/** Units on the database of a provider. */
export function unitsOf(
  provider: DatabaseProvider<Tables>,
  defaults: UnitOfWorkOptions<Tables, Repositories, unknown>['defaults'] = {},
): Units {
  return {
    provider,
    unitOfWork: new UnitOfWork(provider, { repositories: { things: createThingRepository }, defaults }),
    scores: async () => {
      const rows = await provider.db.selectFrom('things').select('score').orderBy('score').execute();
      return rows.map(({ score }) => score);
    },
  };
}

/** A thing of a score. */
export function scored(score: number, id: string = crypto.randomUUID()) {
  return makeThing({ id, score });
}

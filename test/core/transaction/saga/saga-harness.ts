/** What the tests of sagas share: a database with the journal, and a table whose rows are effects of steps. */
import { sql } from 'kysely';
import {
  DatabaseProviderFactory,
  sagaMigrations,
  type DatabaseProvider,
  type SagaDetails,
  SagaRecords,
} from '../../../../src/core/index.ts';
import { Migrator } from '../../../../src/core/migrate/index.ts';
import type { SagaTables } from '../../../../src/core/transaction/saga/saga-tables.ts';

/** Each row is an effect; the key keeps it from happening twice, and `calls` counts who tried. */
export interface EffectsTable {
  key: string;
  step: string;
  calls: number;
}

export interface SagaTestTables extends SagaTables {
  effects: EffectsTable;
}

export type SagaTestDatabase = DatabaseProvider<SagaTestTables>;

/** A lease that is short, and yet longer than what a busy machine keeps a process waiting. */
export const shortLease = 600;

export function openSagaDatabase(url: string): SagaTestDatabase {
  // Nobody is turned away because the machine is busy.
  return DatabaseProviderFactory.createProvider<SagaTestTables>({ url, pool: { acquireTimeout: 60_000 } });
}

/** Makes the tables. */
export async function migrateSagas(provider: SagaTestDatabase): Promise<void> {
  await new Migrator(provider, sagaMigrations).latest();
  await sql`create table effects (key varchar(200) primary key, step varchar(200) not null, calls integer not null)`.execute(
    provider.db,
  );
}

/** Has an effect once by its key, as every step of a saga must. */
export async function effect(provider: SagaTestDatabase, key: string, step: string): Promise<void> {
  await provider.db
    .insertInto('effects')
    .values({ key, step, calls: 1 })
    .onConflict((conflict) =>
      conflict.column('key').doUpdateSet((set) => ({ calls: set('effects.calls', '+', 1) })),
    )
    .execute();
}

/** The effects there are, by their keys. */
export async function effectsOf(provider: SagaTestDatabase, sagaId: string): Promise<string[]> {
  const rows = await provider.db
    .selectFrom('effects')
    .select('key')
    .where('key', 'like', `${sagaId}:%`)
    .orderBy('key')
    .execute();
  return rows.map(({ key }) => key.slice(sagaId.length + 1));
}

/** The only saga of a database. */
export async function onlySaga(provider: SagaTestDatabase): Promise<SagaDetails> {
  const records = new SagaRecords(provider);
  const sagas = await records.list();
  if (sagas.length !== 1) throw new Error(`There are ${sagas.length} sagas, and not one.`);
  return records.show(sagas[0]?.id ?? '');
}

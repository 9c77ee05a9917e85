/** A table of an application, with a migration that makes it, and its schema guard. */
import { defineMigrationSet, guardSchema, type SchemaGuard } from '../../../src/core/migrate/index.ts';
import type { FakeClock } from '../../support/fake-clock.ts';

export const notes = defineMigrationSet({
  name: 'notes',
  migrations: [
    {
      name: '0001-notes',
      up: async (db) => {
        await db.schema.createTable('notes').addColumn('id', 'integer').execute();
      },
      down: async (db) => {
        await db.schema.dropTable('notes').execute();
      },
    },
  ],
});

/** Guards the schema, and counts how often it was asked to. */
export function countingGuard(clock: FakeClock): SchemaGuard & { looks: number } {
  const guard = guardSchema([notes], { clock });
  return {
    looks: 0,
    check(database, mode) {
      this.looks += 1;
      return guard.check(database, mode);
    },
  };
}

import { sql } from 'kysely';
import type { MigrationTraits } from '../migration-traits.ts';
import { postgresBackfill } from './postgres-backfill.ts';
import { postgresColumns } from './postgres-columns.ts';
import { readPostgresForeignKeys } from './postgres-foreign-key-list.ts';
import { postgresPlan } from './postgres-plan.ts';
import { dropInvalidIndex, findInvalidIndexes } from './postgres-invalid-indexes.ts';
import { findPostgresFaults } from './postgres-integrity.ts';
import { createPostgresMigrationLock } from './postgres-migration-lock.ts';
import { readPostgresSchema } from './postgres-schema.ts';
import { liftSessionLimit, liftStatementLimit } from './statement-limit.ts';

/**
 * How migrations run on Postgres.
 *
 * @param isOwnBackend whether the server's process of that number is one of our connections
 */
export function createPostgresMigrations(isOwnBackend: (processId: number) => boolean): MigrationTraits {
  return {
    columns: postgresColumns,
    plan: postgresPlan,
    backfill: postgresBackfill,
    readSchema: readPostgresSchema,
    readForeignKeys: readPostgresForeignKeys,
    findIntegrityFaults: findPostgresFaults,
    lock: createPostgresMigrationLock(isOwnBackend),
    findInvalidIndexes,
    dropInvalidIndex,
    async currentSchema(db) {
      const { rows } = await sql<{ name: string | null }>`select current_schema() as name`.execute(db);
      return rows[0]?.name ?? undefined;
    },
    async beginAlone(connection) {
      await sql.raw(liftSessionLimit).execute(connection);
    },
    async beginStep(trx) {
      // An index over a large table takes its time, and half of one is of no use.
      await sql.raw(liftStatementLimit).execute(trx);
    },
  };
}

import type { Kysely } from 'kysely';
import type { MigrationTraits } from './migration-traits.ts';

/**
 * What a service does about its schema when it starts: `verify` refuses to start where migrations are pending or the
 * schema is not what they left, `migrate` runs them first, `ignore` does neither.
 */
export type SchemaMode = 'verify' | 'migrate' | 'ignore';

/** Answers for the schema of a database. Made by `guardSchema` of `liminal-data/migrate`. */
export interface SchemaGuard {
  /**
   * Looks at the schema, or brings it up to date.
   *
   * @throws MigrationError where migrations are pending or fail, and IntegrityDriftError where the schema is not what
   *   it should be
   */
  check(
    database: { readonly db: Kysely<any>; readonly migrations: MigrationTraits },
    mode: Exclude<SchemaMode, 'ignore'>,
  ): Promise<void>;
}

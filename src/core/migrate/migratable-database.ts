import type { Kysely } from 'kysely';
import type { MigrationTraits } from '../engine/migration-traits.ts';

/** The part of a provider that migrations need. */
export interface MigratableDatabase {
  /** The root handle; a run takes one connection of it. */
  readonly db: Kysely<any>;
  /** How migrations run on its engine. */
  readonly migrations: MigrationTraits;
}

import type { DatabaseConfigInput } from '../config/database-config-input.ts';
import type { MigrationSet } from './migration-set.ts';
import type { TableEncryption } from '../foundation/table-encryption.ts';
import type { Seed } from './seed/seed.ts';

/** What `liminal.config.ts` says to every verb of the command line. */
export interface LiminalConfig {
  /**
   * The database: a URL, an object, or what `parseDatabaseConfig` or `databaseConfigFromEnv` returned. Without
   * it the environment decides.
   */
  readonly database?: DatabaseConfigInput;
  /** The migration sets, in the order in which they are applied. */
  readonly migrations?: readonly MigrationSet[];
  /** Where `migrate make` writes new migrations, relative to the working directory. */
  readonly migrationsFolder?: string;
  /** The seeds, in the order in which `seed run` runs them. */
  readonly seeds?: readonly Seed[];
  /** Where `seed make` writes new seeds, relative to the working directory. */
  readonly seedsFolder?: string;
  /** The file of table interfaces that `types generate` writes, relative to the working directory. */
  readonly typesFile?: string;
  /** What is encrypted, for `keys rotate`, `keys status` and `keys retire`; the tables of the chat where it is absent. */
  readonly encryption?: EncryptionConfig;
}

/** What the command line knows of encryption. It holds no key: those come from the environment. */
export interface EncryptionConfig {
  /** Every table that is encrypted with the keys of `LIMINAL_ENCRYPTION_KEY`, as `defineEncryption` made it. */
  readonly tables: readonly TableEncryption[];
}

/**
 * Gives `liminal.config.ts` its types. It checks and opens nothing: the command line does, when it reads the
 * file.
 *
 * @param config what the verbs are to know
 * @returns the same object
 * @example
 * // liminal.config.ts
 * import { defineConfig } from 'liminal-data';
 * import { shopMigrations } from './migrations/index.ts';
 *
 * export default defineConfig({
 *   database: process.env['DATABASE_URL'] ?? 'sqlite:./data/shop.db',
 *   migrations: [shopMigrations],
 * });
 */
export function defineConfig(config: LiminalConfig): LiminalConfig {
  return config;
}

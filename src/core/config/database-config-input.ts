import type { LateSecret, SecretSource } from '../foundation/secret-source.ts';
import type { Secret } from '../foundation/secret.ts';
import type { DatabaseConfig, PoolConfig } from './database-config.ts';
import type { PostgresConnection, PostgresServer } from './postgres-config.ts';
import type { SqliteConnection } from './sqlite-config.ts';

/** What every form of a configuration may say beside where the database is. */
type CommonSettings = { readonly pool?: Partial<PoolConfig> } & Partial<
  Pick<DatabaseConfig, 'statementTimeout' | 'lockTimeout' | 'slowQueryThreshold' | 'debug'>
>;

type SqliteSettings = Partial<SqliteConnection>;
type ServerSettings = Partial<Omit<PostgresServer, 'password'>> & {
  /** The password; or a function, `{ file }` or `{ env }`, which are asked anew for each connection. */
  readonly password?: SecretSource | LateSecret | undefined;
};
type PostgresSettings = ServerSettings &
  Partial<Pick<PostgresConnection, 'replicaMaxLag'>> & {
    /** A URL each, or what differs from the primary. */
    readonly replicas?: readonly (string | Secret | ServerSettings)[];
  };

/** A URL, and what it leaves out. */
interface UrlInput extends CommonSettings {
  readonly url: string | Secret;
  readonly type?: string;
  readonly connection?: SqliteSettings | PostgresSettings | Readonly<Record<string, unknown>>;
}

interface SqliteInput extends CommonSettings {
  readonly type: 'sqlite';
  readonly connection: SqliteSettings;
}

interface PostgresInput extends CommonSettings {
  readonly type: 'postgres';
  readonly connection?: PostgresSettings;
}

/** For an engine that the application brings: its connection is checked by the engine alone. */
interface OtherInput extends CommonSettings {
  readonly type: string & Record<never, never>;
  readonly connection?: Readonly<Record<string, unknown>>;
}

/**
 * A database configuration as it is written by hand: a URL, an object with a URL in it, an object that says
 * everything, or what `parseDatabaseConfig` and `databaseConfigFromEnv` return. The types help in an editor;
 * what counts is the check of `parseDatabaseConfig`, which names every fault.
 *
 * @example
 * const database: DatabaseConfigInput = { type: 'sqlite', connection: { filename: './app.db' }, pool: { max: 4 } };
 */
export type DatabaseConfigInput =
  string | DatabaseConfig | UrlInput | SqliteInput | PostgresInput | OtherInput;

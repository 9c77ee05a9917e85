import type { CustomTypesConfig } from 'pg';
import type { DatabaseConfig } from '../../config/database-config.ts';
import { checkParameters, PostgresCodecs } from './postgres-codecs.ts';
import { translatePostgresError, type ErrorContext } from './postgres-errors.ts';
import type { PostgresSession, ResultCodecs } from './postgres-session.ts';
import { meetSession, setUpSession } from './postgres-session-setup.ts';

/** In what a provider's connections and those of the stand-alone dialect differ. */
export interface SessionStyle {
  /** @param base pg's own parsers */
  readonly createCodecs: (base: CustomTypesConfig) => ResultCodecs;
  /** @throws what is to be said of parameters that are refused before anything is sent */
  readonly checkParameters: (parameters: readonly unknown[]) => void;
  readonly translate: (error: unknown, context?: ErrorContext) => Error;
  /** Makes a new connection ready; see `setUpSession`. */
  readonly setUp: (
    session: PostgresSession,
    config: Pick<DatabaseConfig, 'statementTimeout' | 'lockTimeout'>,
    limit: number,
  ) => Promise<void>;
  /** Whether a connection is made clean again when raw SQL may have left something behind. */
  readonly cleansUp: boolean;
  /** Whether SQL text without parameters may hold several statements. */
  readonly takesScripts: boolean;
  /**
   * Whether statements in the midst of a transaction may have a name on the server. One that has gone stale ends the
   * transaction, which only a provider runs again.
   */
  readonly preparesInTransactions: boolean;
}

/** Our parsers, our errors, and a clean connection for everybody. */
export const providerStyle: SessionStyle = {
  createCodecs: (base) => new PostgresCodecs(base),
  checkParameters,
  translate: translatePostgresError,
  setUp: setUpSession,
  cleansUp: true,
  takesScripts: false,
  preparesInTransactions: true,
};

/** Everything as pg and Kysely do it: a drop-in replacement surprises nobody. */
export const plainStyle: SessionStyle = {
  createCodecs: (types) => ({ types, unsafeIntegers: 0 }),
  checkParameters() {},
  translate: (error) => error as Error,
  setUp: meetSession,
  cleansUp: false,
  takesScripts: true,
  preparesInTransactions: false,
};

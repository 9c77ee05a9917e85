import {
  ConnectionBuilder,
  Kysely,
  type AbortableOperationOptions,
  type KyselyConfig,
  type KyselyProps,
} from 'kysely';
import type { OpenEngine } from '../engine/engine.ts';
import { confineHoldings } from '../pool/holding.ts';
import type { TrackedDialect } from './tracked-dialect.ts';
import { confine } from './transaction-context.ts';

const closeDeadline = 10_000;

/** What the Kysely of a provider is made of. */
export interface ProviderKyselyConfig extends KyselyConfig {
  readonly dialect: TrackedDialect;
}

/**
 * The Kysely of a provider. Kysely's own `destroy` does nothing where no query has passed by its driver, and
 * most of a provider's go directly: connections would stay open, and keep the process from ending.
 */
export class ProviderKysely<DB> extends Kysely<DB> {
  /** What it was made of. */
  readonly config: ProviderKyselyConfig;
  readonly #engine: OpenEngine;

  constructor(config: ProviderKyselyConfig, engine: OpenEngine) {
    super(config);
    this.config = config;
    this.#engine = engine;
  }

  override connection(): ConnectionBuilder<DB> {
    const { config } = this;
    const { dialect } = config;
    return new ConfinedConnections({ config, dialect, driver: dialect.driver, executor: this.getExecutor() });
  }

  override async destroy(): Promise<void> {
    await super.destroy();
    await this.#engine.close(closeDeadline);
  }
}

/**
 * Hands out connections to keep. On such a one Kysely begins a transaction within the turn of its caller, which would
 * stand inside of it from then on: all that the caller does behind a rollback would be refused.
 */
class ConfinedConnections<DB> extends ConnectionBuilder<DB> {
  readonly #props: KyselyProps;

  constructor(props: KyselyProps) {
    super(props);
    this.#props = props;
  }

  override execute<Result>(
    callback: (db: Kysely<DB>) => Promise<Result>,
    options?: AbortableOperationOptions,
  ): Promise<Result> {
    return super.execute((db) => {
      const held = db.getExecutor();
      const executor = held.withConnectionProvider({
        provideConnection: (consumer) =>
          confine(() => confineHoldings(() => held.provideConnection(consumer))),
      });
      return callback(new Kysely<DB>({ ...this.#props, executor }));
    }, options);
  }
}

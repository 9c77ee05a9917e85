import {
  ConnectionBuilder,
  Kysely,
  type AbortableOperationOptions,
  type ConnectionProvider,
  type KyselyConfig,
  type KyselyProps,
  type QueryExecutor,
} from 'kysely';
import type { OpenEngine } from '../engine/engine.ts';
import { confineHoldings } from '../pool/holding.ts';
import { ObservedKyselyExecutor } from './observed-kysely-executor.ts';
import type { StatementObserver } from './statement-observer.ts';
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
  /** Whose driver Kysely initializes and destroys, where the executor of this one is observed. */
  readonly #plain: Kysely<DB> | undefined;

  /** @param observer hears every statement; undefined where nobody does */
  constructor(config: ProviderKyselyConfig, engine: OpenEngine, observer?: StatementObserver) {
    const plain = observer && new Kysely<DB>(config);
    super(plain === undefined ? config : observedProps(config, plain.getExecutor(), observer!));
    this.config = config;
    this.#engine = engine;
    this.#plain = plain;
  }

  /** An executor whose connections all stand in one transaction. */
  executorOn(provider: ConnectionProvider, transaction: number): QueryExecutor {
    const executor = this.getExecutor();
    return executor instanceof ObservedKyselyExecutor
      ? executor.within(provider, transaction)
      : executor.withConnectionProvider(provider);
  }

  override connection(): ConnectionBuilder<DB> {
    const { config } = this;
    const { dialect } = config;
    return new ConfinedConnections({ config, dialect, driver: dialect.driver, executor: this.getExecutor() });
  }

  override async destroy(): Promise<void> {
    await (this.#plain?.destroy() ?? super.destroy());
    await this.#engine.close(closeDeadline);
  }
}

function observedProps(
  config: ProviderKyselyConfig,
  inner: QueryExecutor,
  observer: StatementObserver,
): KyselyProps {
  const { dialect } = config;
  const { driver } = dialect;
  const transactionOn = driver.transactionOn.bind(driver);
  return {
    config,
    dialect,
    driver,
    executor: new ObservedKyselyExecutor(inner, { observer, transactionOn }),
  };
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

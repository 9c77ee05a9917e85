import type { CompiledQuery } from 'kysely';
import type { DirectExecutor } from '../../engine/direct-executor.ts';
import type { Engine, OpenEngine } from '../../engine/engine.ts';
import { ForwardingDialect } from '../../engine/forwarding-dialect.ts';
import { assertNotProduction } from '../assert-not-production.ts';
import type { FaultInjector } from './fault-injector.ts';
import { FaultyDriver } from './faulty-driver.ts';

/**
 * An engine whose calls can be failed, delayed and hung, so that an application can test what it does then: its
 * retries, its deadlines, its compensations. Hand it to the factory as one of `engines`; it takes the place of the
 * built-in one of its type.
 *
 * A fault stands in front of the engine: a call that fails is not made, and the database hears nothing of it. What
 * the engine does about faults of its own driver is not touched.
 *
 * @param engine such as `sqliteEngine` or `postgresEngine`, or one of your own
 * @param inject is asked before each call
 * @returns the engine with the faults
 * @throws ConfigurationError with `NODE_ENV=production`
 * @example
 * const injector = failNth(1, 'commit', () => new SerializationFailureError('a fault of the test'));
 * const provider = DatabaseProviderFactory.createProvider('sqlite::memory:', {
 *   engines: [withFaults(sqliteEngine, injector)],
 * });
 */
export function withFaults<Type extends string, Connection extends object>(
  engine: Engine<Type, Connection>,
  inject: FaultInjector,
): Engine<Type, Connection> {
  assertNotProduction();
  return {
    config: engine.config,
    open(config, context): OpenEngine {
      const opened = engine.open(config, context);
      return {
        ...opened,
        dialect: new ForwardingDialect(opened.dialect, (driver) => new FaultyDriver(driver, inject)),
        ...(opened.direct && { direct: faultyDirect(opened.direct, inject) }),
      };
    },
  };
}

function faultyDirect(inner: DirectExecutor, inject: FaultInjector): DirectExecutor {
  return {
    async execute<Row>(query: CompiledQuery<Row>, options?: { readonly signal?: AbortSignal | undefined }) {
      await inject({ kind: 'statement', sql: query.sql });
      return inner.execute(query, options);
    },
    async batch(queries) {
      await inject({ kind: 'statement', sql: queries.map((query) => query.sql).join('; ') });
      return inner.batch(queries);
    },
  };
}

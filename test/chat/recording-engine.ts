/** An engine that notes what it is sent, to be judged afterwards. */
import type { CompiledQuery, DatabaseConnection, Dialect, Driver } from 'kysely';
import type { Engine, OpenEngine } from '../../src/core/index.ts';

/**
 * Wraps an engine.
 *
 * @param record is told of each statement before it is sent, whichever way it goes
 */
export function recordStatements<Type extends string, Connection extends object>(
  engine: Engine<Type, Connection>,
  record: (statement: CompiledQuery) => void,
): Engine<Type, Connection> {
  return {
    config: engine.config,
    open(config, context): OpenEngine {
      const opened = engine.open(config, context);
      const { direct } = opened;
      return {
        ...opened,
        dialect: recordDialect(opened.dialect, record),
        ...(direct === undefined
          ? {}
          : {
              direct: {
                execute(query, options) {
                  record(query);
                  return direct.execute(query, options);
                },
                batch(queries) {
                  queries.forEach(record);
                  return direct.batch(queries);
                },
              },
            }),
      };
    },
  };
}

function recordDialect(dialect: Dialect, record: (statement: CompiledQuery) => void): Dialect {
  return {
    createAdapter: () => dialect.createAdapter(),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createDriver() {
      const driver = dialect.createDriver();
      const acquire = driver.acquireConnection.bind(driver);
      driver.acquireConnection = async (options) => recordConnection(await acquire(options), record);
      return driver satisfies Driver;
    },
  };
}

const recorded = new WeakSet<DatabaseConnection>();

function recordConnection(
  connection: DatabaseConnection,
  record: (statement: CompiledQuery) => void,
): DatabaseConnection {
  if (recorded.has(connection)) return connection;
  recorded.add(connection);
  const execute = connection.executeQuery.bind(connection);
  connection.executeQuery = (query, options) => {
    record(query);
    return execute(query, options);
  };
  return connection;
}

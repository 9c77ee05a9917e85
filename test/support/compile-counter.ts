/** Counts the statements that are compiled, so that a test can hold that one is compiled once. */
import type { Dialect } from 'kysely';
import type { Engine } from '../../src/core/engine/engine.ts';
import { postgresEngine } from '../../src/core/engine/postgres/postgres-engine.ts';
import { sqliteEngine } from '../../src/core/engine/sqlite/sqlite-engine.ts';

export class CompileCounter {
  count = 0;
  /** The built-in engines, with compilers that are counted; for `ProviderOptions`. */
  readonly engines: readonly Engine[] = [this.#counted(sqliteEngine), this.#counted(postgresEngine)];

  #counted<Type extends string, Connection extends object>(
    engine: Engine<Type, Connection>,
  ): Engine<Type, Connection> {
    return {
      config: engine.config,
      open: (config, context) => {
        const opened = engine.open(config, context);
        return { ...opened, dialect: this.#countedDialect(opened.dialect) };
      },
    };
  }

  #countedDialect(dialect: Dialect): Dialect {
    return {
      createAdapter: () => dialect.createAdapter(),
      createDriver: () => dialect.createDriver(),
      createIntrospector: (db) => dialect.createIntrospector(db),
      createQueryCompiler: () => {
        const compiler = dialect.createQueryCompiler();
        return {
          compileQuery: (node, queryId) => {
            if (node.kind !== 'RawNode') this.count += 1;
            return compiler.compileQuery(node, queryId);
          },
        };
      },
    };
  }
}

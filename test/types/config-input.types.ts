/** What a configuration may look like in an editor. Compiled, never run. */
import {
  DatabaseProviderFactory,
  defineConfig,
  parseDatabaseConfig,
  type DatabaseConfigInput,
} from '../../src/core/index.ts';

function createProvider(config: DatabaseConfigInput): void {
  DatabaseProviderFactory.createProvider(config);
}

createProvider('sqlite:./app.db');
createProvider(parseDatabaseConfig('sqlite:./app.db'));
createProvider({ url: 'postgres://localhost/app', pool: { max: 4, leakThreshold: 1_000 }, debug: true });
createProvider({ url: 'postgres://localhost/app', connection: { password: 'x', prepare: 'off' } });
createProvider({ type: 'sqlite', connection: { filename: 'app.db', durability: 'normal' }, lockTimeout: 5 });
createProvider({ type: 'postgres', connection: { host: 'db', password: 'x', tls: 'verify' } });
createProvider({ type: 'postgres' });
createProvider({ type: 'postgres', connection: { replicas: ['postgres://reader', { host: 'other' }] } });
// An engine of the application's own, with settings that this library has never heard of.
createProvider({ type: 'duckdb', connection: { threads: 4 } });
defineConfig({ database: { type: 'sqlite', connection: { memory: true } } });
// What is not known until the program runs has to be checked then.
createProvider(parseDatabaseConfig(JSON.parse('{}') as unknown));

// @ts-expect-error there is no such option
createProvider({ type: 'sqlite', connection: { filename: 'app.db' }, pol: {} });
// @ts-expect-error there is no such option of the pool
createProvider({ url: 'sqlite:app.db', pool: { maximum: 4 } });
// @ts-expect-error a number of connections is a number
createProvider({ url: 'sqlite:app.db', pool: { max: '4' } });
// @ts-expect-error neither a URL nor a type says which database
createProvider({ connection: { filename: 'app.db' } });
// @ts-expect-error a database is no number
defineConfig({ database: 5 });

export const inputs: readonly DatabaseConfigInput[] = [
  'sqlite:./app.db',
  { type: 'sqlite', connection: { filename: 'app.db', workers: 2 } },
];

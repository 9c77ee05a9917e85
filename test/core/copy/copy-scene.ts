import { DatabaseProviderFactory, type DatabaseProvider } from '../../../src/core/index.ts';
import { migrateToLatest, type MigrationSet } from '../../../src/core/migrate/index.ts';

export type Provider = DatabaseProvider<never>;

/** Opens databases, and closes them behind each test. */
export function useProviders(): (config: string | { url: string; lockTimeout: number }) => Provider {
  const opened: Provider[] = [];
  afterEach(() => Promise.all(opened.splice(0).map((provider) => provider.close())));
  return (config) => {
    const provider = DatabaseProviderFactory.createProvider<never>(config);
    opened.push(provider);
    return provider;
  };
}

/** Opens databases at the migrations of some sets, and closes them behind each test. */
export function useMigrated(sets: readonly MigrationSet[]): (url: string) => Promise<Provider> {
  const open = useProviders();
  return async (url) => {
    const provider = open(url);
    await migrateToLatest(provider, sets);
    return provider;
  };
}

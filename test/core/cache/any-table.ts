/** Repositories over tables that a test makes by SQL, whatever their columns are. */
import { sql } from 'kysely';
import {
  cached,
  createCache,
  type CacheOptions,
  type RepositoryCache,
} from '../../../src/core/cache/index.ts';
import {
  DatabaseProviderFactory,
  Repository,
  type DatabaseProvider,
  type ProviderOptions,
} from '../../../src/core/index.ts';

export type AnyRow = Readonly<Record<string, unknown>>;
export type AnyTables = Record<string, Record<string, unknown>>;
export type AnyRepository = Repository<AnyTables, string, AnyRow>;

/** How a table is asked. */
export interface AnyTableOptions {
  readonly columns?: Readonly<Record<string, string>>;
  readonly key?: string;
  readonly fromRow?: (row: AnyRow) => unknown;
}

/** What the tables of most tests have. */
const namedColumns = { id: 'integer', name: 'text' };

/** @returns without a cache */
function plainOf(
  provider: DatabaseProvider<AnyTables>,
  table: string,
  { columns = namedColumns, key = 'id', fromRow = (row) => ({ ...row }) }: AnyTableOptions = {},
): AnyRepository {
  const mapper = { fromRow, toRow: (row: AnyRow) => row };
  return new Repository(provider, { table, key, columns, mapper } as never);
}

/** A database with tables, and a cache for it. */
export class AnyDatabase implements AsyncDisposable {
  readonly provider: DatabaseProvider<AnyTables>;
  readonly cache: RepositoryCache;

  constructor(provider: DatabaseProvider<AnyTables>, cache: RepositoryCache) {
    this.provider = provider;
    this.cache = cache;
  }

  /** @param statements make its tables, before the cache is made */
  static async open(
    url: string,
    statements: readonly string[],
    options: CacheOptions = {},
    providerOptions: ProviderOptions<AnyTables> = {},
  ): Promise<AnyDatabase> {
    const provider = DatabaseProviderFactory.createProvider<AnyTables>(url, providerOptions);
    for (const statement of statements) await sql.raw(statement).execute(provider.db);
    const cache = createCache(provider, options);
    await cache.ready();
    return new AnyDatabase(provider, cache);
  }

  run(statement: string): Promise<unknown> {
    return sql.raw(statement).execute(this.provider.db);
  }

  cached(table: string, options: AnyTableOptions & { readonly terms?: object } = {}): AnyRepository {
    const terms = { cache: this.cache, jitter: 0, ...options.terms };
    return cached(plainOf(this.provider, table, options), terms as never);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cache.close();
    await this.provider.close();
  }
}

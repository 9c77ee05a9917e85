/** Providers on databases of their own, and a line to the server beside them. */
import pg from 'pg';
import {
  DatabaseProviderFactory,
  type Clock,
  type DatabaseConfigInput,
  type DatabaseProvider,
  type ProviderOptions,
} from '../../../../src/core/index.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

export interface Tables {
  items: { id: number; name: string | null };
}

export interface PostgresHarness {
  /** A new empty database. */
  freshUrl(): Promise<string>;
  /** A provider on a new database, or on the one that the settings name; closed after the test. */
  open(settings?: object, options?: ProviderOptions<Tables>): Promise<DatabaseProvider<Tables>>;
  /** The same, with an empty table `items`. */
  openWithItems(settings?: object, options?: ProviderOptions<Tables>): Promise<DatabaseProvider<Tables>>;
  /** Runs SQL on the server beside the providers. */
  askServer<Row extends object>(url: string, sql: string, values?: unknown[]): Promise<Row[]>;
  /** How many sessions there are on the database of a URL; with `state`, those that are in it. */
  countSessions(url: string, state?: string): Promise<number>;
  /** Ends every session on the database of a URL, as an administrator would. */
  killSessions(url: string): Promise<void>;
}

/** Declares a suite for Postgres alone. */
export function describeOnPostgres(title: string, body: (postgres: PostgresHarness) => void): void {
  describeOnDatabase('postgres', title, (database) => {
    const opened: { provider: DatabaseProvider<Tables>; clock: Clock | undefined }[] = [];
    afterEach(async () => {
      await Promise.all(
        opened.splice(0).map(async ({ provider, clock }) => {
          const closed = provider.close({ deadline: 0 });
          // Where time stands still, no deadline passes.
          if (clock instanceof FakeClock) await clock.runUntil(closed);
          await closed;
        }),
      );
    });
    const harness: PostgresHarness = {
      freshUrl: () => database.freshUrl(),
      async open(settings = {}, options = {}) {
        const url = 'url' in settings || 'type' in settings ? {} : { url: await database.freshUrl() };
        const config = { ...url, ...settings } as DatabaseConfigInput;
        const provider = DatabaseProviderFactory.createProvider<Tables>(config, options);
        opened.push({ provider, clock: options.clock });
        return provider;
      },
      async openWithItems(settings = {}, options = {}) {
        const provider = await harness.open(settings, options);
        await provider.exec('create table if not exists items (id bigint primary key, name text)');
        return provider;
      },
      async askServer<Row extends object>(url: string, sql: string, values: unknown[] = []) {
        const client = new pg.Client({ connectionString: url });
        await client.connect();
        try {
          return (await client.query<Row>(sql, values)).rows;
        } finally {
          await client.end();
        }
      },
      async countSessions(url, state) {
        const rows = await harness.askServer(
          url,
          `select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
           and ($1::text is null or state = $1)`,
          [state],
        );
        return rows.length;
      },
      async killSessions(url) {
        await harness.askServer(
          url,
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and pid <> pg_backend_pid()`,
        );
      },
    };
    body(harness);
  });
}

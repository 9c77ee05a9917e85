/** What the tests of the outbox share: a database with its tables, and a consumer that notes what it gets. */
import {
  DatabaseProviderFactory,
  type DatabaseProvider,
  type ProviderOptions,
} from '../../../src/core/index.ts';
import { Migrator } from '../../../src/core/migrate/index.ts';
import { outboxMigrations, type OutboxMessage } from '../../../src/core/outbox/index.ts';
import type { OutboxTables } from '../../../src/core/outbox/outbox-tables.ts';

export interface TestTopics {
  readonly work: { readonly n: number };
  readonly other: string;
}

export type TestMessage = OutboxMessage<TestTopics>;

/** Opens a database that has the tables of the outbox. */
export async function openOutboxDatabase(
  url: string,
  options: ProviderOptions<OutboxTables> = {},
): Promise<DatabaseProvider<OutboxTables>> {
  const provider = DatabaseProviderFactory.createProvider<OutboxTables>(url, options);
  await new Migrator(provider, outboxMigrations).latest();
  return provider;
}

/** How many rows a table has. */
export async function countRows(
  provider: DatabaseProvider<OutboxTables>,
  table: keyof OutboxTables,
): Promise<number> {
  const { count } = await provider.db
    .selectFrom(table)
    .select((row) => row.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Where messages of one key came in another order than their numbers. */
export function findDisorder(messages: readonly TestMessage[]): string[] {
  const last = new Map<string, number>();
  return messages.flatMap(({ topic, key, payload }) => {
    if (key === undefined || topic !== 'work') return [];
    const before = last.get(key) ?? -1;
    last.set(key, payload.n);
    return payload.n <= before ? [`${key}: ${payload.n} behind ${before}`] : [];
  });
}

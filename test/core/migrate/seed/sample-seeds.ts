import { defineSeed, type Seed } from '../../../../src/core/migrate/index.ts';
import type { DatabaseProvider } from '../../../../src/core/index.ts';

export interface SeededTables {
  plans: { id: string; price: number; note: string | null };
}

export async function makePlans(provider: DatabaseProvider<SeededTables>): Promise<void> {
  await provider.exec('create table plans (id text primary key, price integer not null, note text)');
}

/** Each adds a row of its own, and fails where it has run before. */
export const sampleSeeds: readonly Seed[] = ['free', 'pro', 'team'].map((id, index) =>
  defineSeed({
    name: `000${index + 1}-${id}`,
    async run(db) {
      await db
        .insertInto('plans')
        .values({ id, price: index * 900, note: null })
        .execute();
    },
  }),
);

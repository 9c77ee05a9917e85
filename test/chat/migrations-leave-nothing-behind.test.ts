import { expect } from 'chai';
import { sql } from 'kysely';
import { chatMigrations } from '../../migrations/chat/index.ts';
import { healthMigrations } from '../../migrations/health/index.ts';
import type { ChatDatabase } from '../../src/chat/chat-database.ts';
import type { DatabaseProvider } from '../../src/core/index.ts';
import { Migrator } from '../../src/core/migrate/index.ts';
import { describeOnEachDatabase } from '../support/database.ts';
import { insertAll, openMigrated } from './rows.ts';

describeOnEachDatabase('migrations of the chat leave nothing behind when they are taken back', (database) => {
  let provider: DatabaseProvider<ChatDatabase>;

  before(async () => {
    provider = await openMigrated(await database.freshUrl());
    await insertAll(provider.db);
  });

  after(() => provider.close());

  /** Tables, indexes and triggers, with how they are declared, apart from the histories. */
  const readSchema = async () => {
    const { rows } = await (
      database.name === 'postgres'
        ? sql<{ object: string }>`
            select indexname || ' ' || indexdef as object from pg_indexes where schemaname = 'public'
            union all select table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable
              from information_schema.columns where table_schema = 'public'
            union all select conrelid::regclass || ' ' || pg_get_constraintdef(oid) from pg_constraint
              where connamespace = 'public'::regnamespace
            union all select relname || ' sequence' from pg_class where relkind = 'S'`
        : sql<{ object: string }>`select name || ' ' || coalesce(sql, '') as object from sqlite_schema`
    ).execute(provider.db);
    return rows
      .map(({ object }) => object)
      .filter((object) => !/^[("]*(?:\w+_migration|liminal_)/.test(object))
      .toSorted();
  };

  for (const set of [chatMigrations, healthMigrations]) {
    it(`one by one (${set.name})`, async () => {
      const migrator = new Migrator(provider, set);
      const schemas: string[][] = [];
      const { length } = set.migrations;
      for (let step = 0; step < length; step += 1) {
        schemas.push(await readSchema());
        await migrator.down();
      }
      const bottom = await readSchema();
      for (const schema of schemas.toReversed()) {
        expect(await readSchema()).not.to.deep.equal(schema);
        await migrator.up();
        expect(await readSchema()).to.deep.equal(schema);
      }
      await migrator.to(null);
      expect(await readSchema()).to.deep.equal(bottom);
    });
  }

  it('down to an empty database', async () => {
    expect(await readSchema()).to.deep.equal([]);
  });
});

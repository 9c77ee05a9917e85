import { expect } from 'chai';
import { sql } from 'kysely';
import { StatementTimeoutError } from '../../../src/core/index.ts';
import { Migrator, type NamedMigration } from '../../../src/core/migrate/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { notesWith, openUntyped } from './sample-history.ts';

const slow = 'select pg_sleep(0.5)';

describeOnDatabase('postgres', 'a migration takes the time it needs', (database) => {
  it('whatever the limit for statements is, which holds again behind it', async () => {
    await using provider = openUntyped({
      url: await database.freshUrl(),
      statementTimeout: 100,
      pool: { max: 1 },
    });
    const patient: NamedMigration = {
      name: '0001-patient',
      async up(db) {
        await sql.raw(slow).execute(db);
        // The commit is slow as well: what is deferred is checked by it.
        await sql`create table parents (id integer primary key)`.execute(db);
        await sql`create function rest() returns trigger language plpgsql
          as $$ begin perform pg_sleep(0.5); return null; end $$`.execute(db);
        await sql`create constraint trigger rest after insert on parents deferrable initially deferred
          for each row execute function rest()`.execute(db);
        await sql`insert into parents values (1)`.execute(db);
      },
      down: async (db) => void (await sql.raw(slow).execute(db)),
    };
    const beginsSlowly: NamedMigration = {
      name: '0002-begins-slowly',
      up: async (db) => void (await sql`create table made as select 1 as one from pg_sleep(0.5)`.execute(db)),
      down: async () => {},
    };
    const migrator = new Migrator(provider, notesWith(patient, beginsSlowly));
    expect((await migrator.latest()).applied).to.have.lengthOf(2);
    expect((await migrator.to(null)).applied).to.have.lengthOf(2);
    expect(await rejectionOf(provider.query(slow))).to.be.instanceOf(StatementTimeoutError);
    const ownTransaction = provider.transaction((tx) => sql.raw(slow).execute(tx));
    expect(await rejectionOf(ownTransaction)).to.be.instanceOf(StatementTimeoutError);
  });
});

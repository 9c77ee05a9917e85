import { expect } from 'chai';
import { sql } from 'kysely';
import {
  DatabaseProviderFactory,
  TransactionAbortedError,
  UniqueViolationError,
} from '../../../../src/core/index.ts';
import { Migrator } from '../../../../src/core/migrate/index.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { rejectionOf } from '../../../support/rejection.ts';

describeOnDatabase('postgres', 'the first failure of a transaction is told', (database) => {
  it('by every later one, whoever swallowed it', async () => {
    await using provider = DatabaseProviderFactory.createProvider<unknown>(await database.freshUrl());
    await provider.exec('create table notes (id integer primary key)');
    const error = await rejectionOf(
      provider.transaction(async (tx) => {
        await sql`insert into notes values (1)`.execute(tx);
        await rejectionOf(sql`insert into notes values (1)`.execute(tx));
        await sql`select 1`.execute(tx);
      }),
    );
    expect(error).to.be.instanceOf(TransactionAbortedError);
    expect((error as Error).cause).to.be.instanceOf(UniqueViolationError);
    expect((error as Error).message).to.contain('unique');
  });

  it('also where a role may not make the tables of the migrations', async () => {
    const url = await database.freshUrl();
    await using owner = DatabaseProviderFactory.createProvider<unknown>(url);
    const role = `guest_${process.pid}`;
    await owner.exec(`create role ${role} login password 'guest'`);
    try {
      await owner.exec('revoke all on schema public from public');
      await owner.exec(`grant usage on schema public to ${role}`);
      const guestUrl = Object.assign(new URL(url), { username: role, password: 'guest' }).href;
      const guest = DatabaseProviderFactory.createProvider<unknown>(guestUrl);
      const migrations = [{ name: '0001-nothing', up: async () => {}, down: async () => {} }];
      const error = await rejectionOf(new Migrator(guest, { name: 'guest', migrations }).latest());
      expect(String((error as Error).cause)).to.contain('42501');
      await guest.close();
    } finally {
      await owner.exec(`drop owned by ${role}`);
      await owner.exec(`drop role ${role}`);
    }
  });
});

import { expect } from 'chai';
import { sql } from 'kysely';
import {
  DatabaseBusyError,
  DatabaseProviderFactory,
  type DatabaseProvider,
} from '../../../../src/core/index.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { holdWriteLock } from '../../../support/lock-holder.ts';
import { rejectionOf } from '../../../support/rejection.ts';

describeOnDatabase('sqlite-file', 'a lock that another process holds', (database) => {
  const opened: DatabaseProvider<unknown>[] = [];

  async function open(settings: object = {}) {
    const url = await database.freshUrl();
    const provider = DatabaseProviderFactory.createProvider<unknown>({ url, ...settings });
    opened.push(provider);
    await provider.exec('create table notes (id integer primary key, text text not null) strict');
    return { provider, filename: url.slice('sqlite:'.length) };
  }

  afterEach(() => Promise.all(opened.splice(0).map((provider) => provider.close())));

  it('is waited for without freezing: the event loop stays free to end the wait', async () => {
    const { provider, filename } = await open();
    const holder = await holdWriteLock(filename);
    // A frozen event loop could not send the word that the other process waits for.
    const write = provider.exec('insert into notes (text) values (?)', ['patient']);
    await holder.release();
    expect(await write).to.equal(1);
  });

  it('is waited for by transactions too', async () => {
    const { provider, filename } = await open();
    const holder = await holdWriteLock(filename);
    const work = provider.transaction((tx) => sql`insert into notes (text) values ('x')`.execute(tx));
    await holder.release();
    await work;
    expect(await provider.query('select text from notes')).to.deep.equal([{ text: 'x' }]);
  });

  it('does not keep a read waiting that comes alone', async () => {
    const { provider, filename } = await open();
    const holder = await holdWriteLock(filename);
    expect(await provider.query('select count(*) as n from notes')).to.deep.equal([{ n: 0 }]);
    await holder.release();
  });

  it('does not keep reads waiting that come behind a waiting write of the same provider', async () => {
    const { provider, filename } = await open();
    const holder = await holdWriteLock(filename);
    const order: string[] = [];
    const write = provider.exec("insert into notes (text) values ('first')").then(() => order.push('write'));
    for (let count = 1; count <= 20; count += 1) {
      expect(await provider.query('select text from notes')).to.deep.equal([]);
      order.push('read');
    }
    await holder.release();
    await write;
    expect(order).to.deep.equal([...Array.from({ length: 20 }, () => 'read'), 'write']);
    expect(await provider.query('select text from notes')).to.deep.equal([{ text: 'first' }]);
  });

  it('is given up after lockTimeout with DatabaseBusyError, and nothing is lost for the next', async () => {
    const { provider, filename } = await open({ lockTimeout: 30 });
    const holder = await holdWriteLock(filename);
    const error = await rejectionOf(provider.exec("insert into notes (text) values ('late')"));
    expect(error).to.be.instanceOf(DatabaseBusyError).and.have.property('retryable', true);
    await holder.release();
    expect(await provider.exec("insert into notes (text) values ('next')")).to.equal(1);
  });
});

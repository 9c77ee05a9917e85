import { expect } from 'chai';
import { sql } from 'kysely';
import { DatabaseProviderFactory } from '../../../../src/core/index.ts';
import { describeOnDatabase } from '../../../support/database.ts';

interface Tables {
  notes: { id: number; text: string };
}

describeOnDatabase('sqlite-file', 'the writer is lent in the order of asking', (database) => {
  it('also between single writes, which share a commit, and transactions, which do not', async () => {
    await using provider = DatabaseProviderFactory.createProvider<Tables>(await database.freshUrl());
    await provider.exec('create table notes (id integer primary key, text text not null)');
    const write = (text: string) => provider.exec('insert into notes (text) values (?)', [text]);
    const transact = (text: string) =>
      provider.transaction((tx) => sql`insert into notes (text) values (${text})`.execute(tx));
    const order = Array.from({ length: 12 }, (_, place) => `${place}`);
    const isHeld = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const holder = provider.transaction(async (tx) => {
      await sql`delete from notes`.execute(tx);
      isHeld.resolve();
      await release.promise;
    });
    await isHeld.promise;
    // Two single writes, a transaction, two single writes, a transaction …
    const waiting: Promise<unknown>[] = [];
    for (const [place, text] of order.entries()) {
      waiting.push(place % 3 === 2 ? transact(text) : write(text));
      await new Promise((resolve) => setImmediate(resolve));
    }
    release.resolve();
    await Promise.all([holder, ...waiting]);
    const notes = await provider.query<{ text: string }>('select text from notes order by id');
    expect(notes.map(({ text }) => text)).to.deep.equal(order);
  });
});

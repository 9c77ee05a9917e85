import { expect } from 'chai';
import type { Kysely } from 'kysely';
import { outside } from '../../../src/core/provider/transaction-context.ts';
import { scoped } from '../../../src/core/security/scoped.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { createThingRepository, makeThing, openThings, type Tables } from '../repository/things.ts';
import { users } from './border-fuzz.ts';

const [me, other] = users;

// SQLite knows no locks of rows, and takes no FOR UPDATE from anybody.
describeOnDatabase('postgres', 'a lock within a border holds own rows', (database) => {
  it('alone, whether it names its table or not', async () => {
    await using provider = await openThings(database);
    const things = createThingRepository(provider);
    for (const [owner, names] of [
      [me, ['a', 'b']],
      [other, ['c', 'd']],
    ] as const) {
      for (const name of names) await things.insert(makeThing({ owner, name }));
    }
    const mine = scoped(things, { column: 'owner', actor: me });
    const read = (on: Kysely<Tables>) => mine.query({ on }).select('things.name');
    const joined = (on: Kysely<Tables>) =>
      read(on)
        .where('things.name', '=', 'a')
        .innerJoin('things as second', 'second.owner', 'things.owner')
        .where('second.name', '=', 'b');
    const freeNames = async () => {
      const rows = await outside(() =>
        provider.db.selectFrom('things').select('name').orderBy('name').forUpdate().skipLocked().execute(),
      );
      return rows.map(({ name }) => name).join('');
    };

    for (const [lock, free] of [
      [(on: Kysely<Tables>) => read(on).forUpdate(), 'cd'],
      [(on: Kysely<Tables>) => read(on).forUpdate('things'), 'cd'],
      [(on: Kysely<Tables>) => read(on).forNoKeyUpdate('things').noWait(), 'cd'],
      [(on: Kysely<Tables>) => joined(on).forUpdate('things'), 'bcd'],
      [(on: Kysely<Tables>) => joined(on).forUpdate('second'), 'acd'],
      [(on: Kysely<Tables>) => joined(on).forUpdate(['things', 'second']), 'cd'],
    ] as const) {
      await provider.transaction(async (on) => {
        await lock(on).execute();
        expect(await freeNames(), String(lock)).to.equal(free);
      });
    }
    expect(await freeNames()).to.equal('abcd');
  });
});

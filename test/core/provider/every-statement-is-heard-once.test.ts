import { expect } from 'chai';
import { silentLogger } from '../../../src/core/foundation/logger.ts';
import type { StatementEvent } from '../../../src/core/foundation/statement-event.ts';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import { prepare, type Param } from '../../../src/core/query/prepared-query.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { createThingRepository, makeThing, openThings, type Tables } from '../repository/things.ts';

describeOnEachDatabase('every statement is heard once', (database) => {
  let provider: DatabaseProvider<Tables>;
  let heard: StatementEvent[] = [];

  before(async () => {
    provider = await openThings(database, { onStatement: (event) => void heard.push(event) });
  });
  beforeEach(() => {
    heard = [];
  });
  after(() => provider.close());

  const words = () => heard.map(({ sql }) => sql.split(' ')[0]);

  it('whichever way it goes', async () => {
    const byName = prepare(provider, (db, param: Param<{ name: string }>) =>
      db.selectFrom('things').select('id').where('name', '=', param('name')),
    );
    const things = createThingRepository(provider);
    await things.insert(makeThing({ name: 's3cret' }));
    await byName.execute({ name: 's3cret' });
    await provider.db.updateTable('things').set({ score: 1 }).execute();
    await provider.transaction((tx) => byName.execute({ name: 's3cret' }, { on: tx }));
    await provider.query('select name from things where name = ?', ['s3cret']);
    await provider.exec('delete from things where name = ?', ['s3cret']);
    expect(words()).to.deep.equal(['insert', 'select', 'update', 'select', 'select', 'delete']);
    expect(heard.every(({ duration, error }) => duration >= 0 && error === undefined)).to.equal(true);
    expect(JSON.stringify(heard)).not.to.contain('s3cret');
  });

  it('also a stream that its reader leaves', async () => {
    await provider.db.insertInto('things').values([makeThing(), makeThing(), makeThing()]).execute();
    heard = [];
    for await (const _ of provider.db.selectFrom('things').select('id').stream(1)) break;
    await provider.transaction(async (tx) => {
      for await (const _ of tx.selectFrom('things').select('id').stream(1)) break;
    });
    expect(words()).to.deep.equal(['select', 'select']);
  });

  it('also each member of a batch, and of one that fails', async () => {
    const insert = prepare(provider, (db, param: Param<{ id: string }>) =>
      db.insertInto('things').values({ ...makeThing(), id: param('id') }),
    );
    const id = crypto.randomUUID();
    await provider.batch([insert.with({ id }), provider.db.selectFrom('things').select('id')]);
    const isMember = ({ sql }: StatementEvent) => /^(?:insert|select)/u.test(sql);
    expect(heard.filter(isMember)).to.have.length(2);
    heard = [];
    await rejectionOf(provider.batch([insert.with({ id })]));
    await rejectionOf(insert.execute({ id }));
    expect(heard.filter(({ error }) => error instanceof Error).length).to.be.at.least(2);
    expect(heard.every(({ error }) => error instanceof Error)).to.equal(true);
  });
});

describeOnEachDatabase('a listener that throws', (database) => {
  it('makes no failure of a statement that was a success', async () => {
    const errors: unknown[] = [];
    const logger = { ...silentLogger, error: (fields: object) => void errors.push(fields) };
    const fault = new Error('listener');
    let isFaulty = false;
    const provider = await openThings(database, {
      logger,
      onStatement: () => {
        if (isFaulty) throw fault;
      },
    });
    const things = createThingRepository(provider);
    isFaulty = true;
    await things.insert(makeThing());
    await provider.db.insertInto('things').values(makeThing()).execute();
    await provider.transaction((tx) => tx.insertInto('things').values(makeThing()).execute());
    await provider.batch([provider.db.insertInto('things').values(makeThing())]);
    isFaulty = false;
    expect(await things.count({})).to.equal(4);
    expect(errors.length).to.be.at.least(4);
    expect(errors[0]).to.have.property('error', fault);
    await provider.close();
  });
});

import { expect } from 'chai';
import { inspect } from 'node:util';
import {
  DatabaseProviderFactory,
  PoolTimeoutError,
  prepare,
  UnitOfWork,
  type DatabaseProvider,
  type Param,
  type StatementEvent,
} from '../../../src/core/index.ts';
import { parametersOf } from '../../../src/core/foundation/statement-event.ts';
import { watchWrites } from '../../../src/core/provider/write-watch.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { until } from '../../support/until.ts';

interface Tables {
  items: { id: number; name: string };
}

type Provider = DatabaseProvider<Tables>;

describeOnEachDatabase('a wait is told apart', (database) => {
  let provider: Provider;
  let heard: StatementEvent[] = [];

  before(async () => {
    provider = DatabaseProviderFactory.createProvider<Tables>(
      { url: await database.freshUrl(), pool: { max: 2, acquireTimeout: 200 }, slowQueryThreshold: 0 },
      { onStatement: (event) => void heard.push(event) },
    );
    await provider.exec('create table items (id integer primary key, name text)');
    await provider.exec("insert into items values (1, 'a')");
  });
  beforeEach(() => {
    heard = [];
  });
  after(() => provider.close());

  const writes: Readonly<Record<string, (on: Provider, signal?: AbortSignal) => Promise<unknown>>> = {
    directly: (on, signal) =>
      prepare(on, (db, param: Param<{ name: string }>) =>
        db.updateTable('items').set({ name: param('name') }),
      ).execute({ name: 'b' }, { signal }),
    'by the builder': (on, signal) => on.db.updateTable('items').set({ name: 'c' }).execute({ signal }),
    'as a batch': (on) => on.batch([on.db.updateTable('items').set({ name: 'd' })]),
  };

  /** Holds every connection that writes, until it is told to let go. */
  async function holdAll(): Promise<() => Promise<void>> {
    const { promise: end, resolve: letGo } = Promise.withResolvers<void>();
    const count = database.name === 'postgres' ? 2 : 1;
    const held = Array.from({ length: count }, () => {
      const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
      const done = provider.transaction(async (tx) => {
        await tx.selectFrom('items').select('id').execute();
        begin();
        await end;
      });
      return { begun, done };
    });
    await Promise.all(held.map(({ begun }) => begun));
    heard = [];
    return async () => {
      letGo();
      await Promise.all(held.map(({ done }) => done));
    };
  }

  for (const [way, write] of Object.entries(writes)) {
    it(`from the time of the statement, ${way}`, async () => {
      const letGo = await holdAll();
      const start = performance.now();
      const written = write(provider);
      await until(async () => provider.stats().waiting > 0);
      await letGo();
      await written;
      const [event] = heard.filter(({ sql }) => sql.startsWith('update'));
      expect(event?.error).to.equal(undefined);
      expect(event?.affected).to.equal(1);
      expect(event?.wait).to.be.above(0);
      expect(event?.duration).to.be.at.least(event!.wait);
      expect(event?.duration).to.be.at.most(performance.now() - start);
      heard = [];
      await write(provider);
      expect(heard.filter(({ sql }) => sql.startsWith('update'))[0]?.wait).to.be.below(event!.wait);
    });

    if (way !== 'as a batch')
      it(`also where it becomes a transaction, with what goes along, ${way}`, async () => {
        const companion = provider.db.selectFrom('items').select('id').compile();
        const unwatch = watchWrites(provider, {
          anything: {},
          touchedBy: (query) => (query.sql.startsWith('update') ? {} : undefined),
          committing: () => () => {},
          accompany: () => [companion],
        });
        const letGo = await holdAll();
        const written = write(provider);
        await until(async () => provider.stats().waiting > 0);
        const waiting = performance.now();
        await until(async () => performance.now() - waiting > 20);
        await letGo();
        await written;
        unwatch!();
        const [event, ...others] = heard.filter(({ sql }) => sql.startsWith('update'));
        expect(others).to.deep.equal([]);
        expect(event?.affected).to.equal(1);
        expect(event?.wait).to.be.at.least(20);
      });

    it(`one that never got a connection is a failure, and waited all its time, ${way}`, async () => {
      const letGo = await holdAll();
      const error = await rejectionOf(write(provider));
      await letGo();
      expect(error).to.be.instanceOf(PoolTimeoutError);
      const failed = heard.filter((event) => event.sql.startsWith('update'));
      expect(failed).to.have.length(1);
      expect(failed[0]).to.include({
        error,
        kind: way === 'as a batch' ? 'batch' : 'single',
        rows: undefined,
      });
      expect(failed[0]?.wait).to.be.at.least(150);
    });

    if (way === 'as a batch') continue;
    it(`one whose caller gives up while it waits as well, ${way}`, async () => {
      const letGo = await holdAll();
      const controller = new AbortController();
      const written = rejectionOf(write(provider, controller.signal));
      await until(async () => provider.stats().waiting > 0);
      controller.abort();
      await written;
      await letGo();
      const failed = heard.filter((event) => event.sql.startsWith('update'));
      expect(failed).to.have.length(1);
      expect(failed[0]?.error).to.have.property('name', 'AbortError');
      expect(failed[0]?.wait).to.be.above(0);
    });
  }

  it('statements of one transaction wait for their turn, and have its number', async () => {
    await provider.transaction(async (tx) => {
      await Promise.all(
        [1, 2, 3].map((id) => tx.selectFrom('items').selectAll().where('id', '=', id).execute()),
      );
    });
    await provider.db.transaction().execute((tx) => tx.selectFrom('items').select('id').execute());
    await new UnitOfWork<Tables>(provider).run(async ({ db }) => {
      await db.selectFrom('items').select('id').execute();
      for await (const _ of db.selectFrom('items').select('id').stream(1)) continue;
    });
    await provider.db.selectFrom('items').select('id').execute();
    const numbers = heard.map(({ transaction }) => transaction);
    const [first] = numbers as [number];
    expect(numbers).to.deep.equal([first, first, first, first + 1, first + 2, first + 2, undefined]);
    expect(heard[2]?.wait).to.be.above(0);
    expect(heard.map(({ kind }) => kind)).to.deep.equal([
      'single',
      'single',
      'single',
      'single',
      'single',
      'stream',
      'single',
    ]);
  });

  it('the time that the reader of a stream takes is not its own', async () => {
    for await (const _ of provider.db.selectFrom('items').select('id').stream(1)) {
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    expect(heard).to.have.length(1);
    expect(heard[0]).to.include({ kind: 'stream', rows: 1 });
    const start = performance.now();
    for await (const _ of provider.db.selectFrom('items').select('id').stream(1)) {
      const until60 = performance.now() + 60;
      while (performance.now() < until60) continue;
    }
    expect(heard[1]?.duration).to.be.at.most(performance.now() - start - 60);
  });

  it('what is refused in a transaction that has failed was no statement', async () => {
    await rejectionOf(
      provider.transaction(async (tx) => {
        await rejectionOf(tx.insertInto('items').values({ id: 1, name: 'again' }).execute());
        await rejectionOf(tx.selectFrom('items').select('id').execute());
        await rejectionOf(provider.db.selectFrom('items').select('id').execute());
        await rejectionOf(provider.query('select id from items'));
      }),
    );
    expect(heard.map(({ sql }) => sql.split(' ')[0])).to.deep.equal(['insert']);
  });

  it('and no event shows a value, however it is printed', async () => {
    await provider.query('select id from items where name = ?', ['s3cr3t']);
    await provider.db.selectFrom('items').select('id').where('name', '=', 's3cr3t').execute();
    expect(heard).to.have.length(2);
    for (const event of heard) {
      expect(parametersOf(event)).to.deep.equal(['s3cr3t']);
      expect(parametersOf({ ...event })).to.equal(undefined);
      const forms = [
        inspect(event, { showHidden: true, depth: 9 }),
        JSON.stringify(event),
        JSON.stringify({ ...event }),
      ];
      forms.push(
        String(Object.getOwnPropertySymbols(event)),
        inspect(structuredClone({ ...event, error: undefined })),
      );
      for (const form of forms) expect(form).not.to.contain('s3cr3t');
    }
  });
});

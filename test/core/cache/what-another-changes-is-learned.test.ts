import { expect } from 'chai';
import { sql } from 'kysely';
import { dataVersionBus, postgresBus, type BusListener } from '../../../src/core/cache/index.ts';
import { readSlots, writeSlotsWithin } from '../../../src/core/cache/slots-message.ts';
import { DatabaseProviderFactory, outside } from '../../../src/core/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { until } from '../../support/until.ts';
import { AnyDatabase } from './any-table.ts';

const tables = [
  'create table t (id integer primary key)',
  'create table k (id integer primary key, name text not null)',
  `insert into k values (1, 'old')`,
];
const triggers = {
  postgres: [
    `create function f() returns trigger language plpgsql as $$ begin update k set name = 'new'; return new; end $$`,
    'create trigger tr after insert on t for each row execute function f()',
  ],
  'sqlite-file': [`create trigger tr after insert on t begin update k set name = 'new'; end`],
};

for (const name of ['sqlite-file', 'postgres'] as const) {
  describeOnDatabase(name, 'a schema that somebody else has changed', (database) => {
    const ways: Readonly<Record<string, (listener: BusListener, opened: AnyDatabase) => unknown>> = {
      'behind a gap': (listener) => listener.onGap(),
      'behind a message of everything': (listener) => listener.onMove([0]),
      'behind a note of everything': (_listener, { cache }) => cache.apply([0]),
      'when it is asked for': (_listener, { cache }) => cache.relearn(),
    };
    for (const [when, tell] of Object.entries(ways)) {
      it(`is read anew ${when}`, async () => {
        let listener!: BusListener;
        const bus = {
          start(hears: BusListener): void {
            listener = hears;
            hears.onGap();
          },
          close: async () => {},
        };
        const url = await database.freshUrl();
        await using opened = await AnyDatabase.open(url, tables, { bus });
        await using other = DatabaseProviderFactory.createProvider(url);
        for (const text of triggers[name]) await sql.raw(text).execute(other.db);
        await tell(listener, opened);
        const kids = opened.cached('k');
        await opened.cache.ready();
        await kids.findById(1);
        await opened.provider.exec('insert into t values (2)');
        expect(await kids.findById(1)).to.include({ name: 'new' });
      });
    }
  });
}

describeOnDatabase('postgres', 'a schema that is changed by two at once', (database) => {
  it('is read anew behind the later one', async () => {
    const [makeFunction, makeTrigger] = triggers.postgres;
    const url = await database.freshUrl();
    await using opened = await AnyDatabase.open(url, [...tables, makeFunction!]);
    const isHeld = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const holding = opened.provider.transaction(async (tx) => {
      await sql`lock table t in access exclusive mode`.execute(tx);
      isHeld.resolve();
      await held.promise;
    });
    await isHeld.promise;
    const later = opened.provider.exec(makeTrigger!);
    const waiting = 'select 1 as waits from pg_locks where not granted';
    await until(async () => (await opened.provider.query(waiting)).length > 0);
    await opened.run('create table z (id integer primary key)');
    await opened.cache.ready();
    const kids = opened.cached('k');
    await using other = DatabaseProviderFactory.createProvider(url);
    await other.transaction(async (tx) => {
      // Nobody can read how tables hang together meanwhile.
      await sql`lock table pg_inherits in access exclusive mode`.execute(tx);
      await outside(async () => {
        held.resolve();
        await Promise.all([holding, later]);
        await kids.findById(1);
        await opened.provider.exec('insert into t values (1)');
        expect(await kids.findById(1)).to.include({ name: 'new' });
      });
    });
  });
});

describeOnDatabase('sqlite-file', 'a bus that looks at the version of a file', (database) => {
  it('tells whether the schema has changed, and gives up while a transaction lets it not look', async () => {
    const clock = new FakeClock();
    const heard: string[] = [];
    const url = await database.freshUrl();
    await using opened = await AnyDatabase.open(url, tables);
    await using other = DatabaseProviderFactory.createProvider(url);
    const bus = dataVersionBus(opened.provider, { clock, interval: 10 });
    const hears = async (...said: readonly string[]) => {
      await clock.runUntil(until(() => heard.length > 0));
      expect(heard.splice(0)).to.deep.equal(said);
    };
    bus.start({
      onMove: () => heard.push('move'),
      onGap: (what) => heard.push(what?.keepsSchema === true ? 'rows' : 'schema'),
      onLoss: () => heard.push('loss'),
      onReturn: () => heard.push('return'),
    });
    await hears('schema');
    await other.exec('insert into t values (1)');
    await hears('rows');
    await other.exec('create table z (id integer)');
    await hears('schema');
    const held = Promise.withResolvers<void>();
    const isHeld = Promise.withResolvers<void>();
    const holding = opened.provider.transaction(() => {
      isHeld.resolve();
      return held.promise;
    });
    await isHeld.promise;
    await hears('loss');
    held.resolve();
    await holding;
    await hears('return');
    await bus.close();
  });
});

describe('a message of slots', () => {
  it('is cut by its length, and all of it is read', () => {
    const slots = Array.from({ length: 65_536 }, (_, slot) => slot);
    const messages = writeSlotsWithin('0123456789ab', slots, 7_999);
    expect(Math.max(...messages.map(({ length }) => length))).to.be.within(7_990, 7_999);
    expect(messages.flatMap((message) => readSlots(message, 'other'))).to.deep.equal(slots);
  });
});

describeOnDatabase('postgres', 'the bus of Postgres', (database) => {
  it('takes a change of many rows', async () => {
    await using opened = await AnyDatabase.open(await database.freshUrl(), tables, { bus: postgresBus });
    opened.cached('k');
    const { db } = opened.provider;
    const rows = Array.from({ length: 1_920 }, (_, at) => ({ id: at + 10, name: 'x' }));
    await opened.provider.batch(
      Array.from({ length: 20 }, (_, part) =>
        db.insertInto('k').values(rows.slice(part * 96, part * 96 + 96)),
      ),
    );
    expect(await opened.provider.query('select 1 from k')).to.have.length(1_921);
  });

  it('hears itself while the pool is used up', async () => {
    const clock = new FakeClock();
    const url = await database.freshUrl();
    await using opened = await AnyDatabase.open({ url, pool: { max: 1 } } as never, tables, {
      bus: (provider) => postgresBus(provider, { clock, heartbeat: 100 }),
    });
    const kids = opened.cached('k');
    const answer = async () => (await opened.cache.explain('k', 1)).answer;
    await until(async () => {
      await kids.findById(1);
      return (await answer()) === 'hit';
    });
    await opened.provider.transaction(async () => {
      // Each beat has time enough to be answered.
      for (let beat = 0; beat < 8; beat += 1) {
        clock.advance(100);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      expect(await answer()).to.equal('hit');
    });
  });
});

import { expect } from 'chai';
import {
  dataVersionBus,
  postgresBus,
  type BusListener,
  type InvalidationBus,
} from '../../../src/core/cache/index.ts';
import { ValidationError } from '../../../src/core/index.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { until } from '../../support/until.ts';
import { makePerson, openCached } from './cached-fixture.ts';

describeOnEachDatabase('what was missed is not given', (database) => {
  it('while nobody listens, and behind each gap nothing that was kept before', async () => {
    let listener!: BusListener;
    const bus: InvalidationBus = {
      start: (hears): void => {
        listener = hears;
      },
      close: async () => {},
    };
    const opened = await openCached(await database.freshUrl(), { cache: { bus } });
    const { people, cache, sent } = opened;
    const { id } = await people.insert(makePerson());
    const reads = async () => {
      sent();
      await people.getById(id);
      await people.getById(id);
      return sent();
    };
    // It does not listen yet.
    expect(await reads()).to.equal(2);
    listener.onGap();
    await cache.ready();
    expect(await reads()).to.equal(1);
    expect(await reads()).to.equal(0);
    listener.onGap();
    await cache.ready();
    expect(await reads()).to.equal(1);
    listener.onLoss();
    listener.onLoss();
    expect(await cache.explain('people', id)).to.include({ answer: 'uncached' });
    expect(await reads()).to.equal(2);
    listener.onGap();
    await cache.ready();
    expect(await reads()).to.equal(1);
    expect(await reads()).to.equal(0);
    await opened.close();
  });
});

for (const name of ['sqlite-file', 'postgres'] as const) {
  describeOnDatabase(name, 'what another process writes is heard of', (database) => {
    it('also by whom the table is none that is cached', async () => {
      const url = await database.freshUrl();
      const busClock = new FakeClock();
      const one = await openCached(url, {
        bus: (provider) =>
          provider.sql.notify === undefined
            ? dataVersionBus(provider, { clock: busClock, interval: 10 })
            : postgresBus(provider),
      });
      const other = await openCached(url, {
        isNew: false,
        bus: (provider) =>
          provider.sql.notify === undefined ? dataVersionBus(provider) : postgresBus(provider),
      });
      const person = await one.people.insert(makePerson());
      await until(async () => {
        await one.people.getById(person.id);
        return (await one.cache.explain('people', person.id)).answer === 'hit';
      });
      await other.provider.exec('update people set name = ? where id = ?', ['new', person.id]);
      const seen = until(async () => (await one.people.getById(person.id)).name === 'new');
      if (name === 'sqlite-file') await busClock.runUntil(seen);
      await seen;
      await Promise.all([one.close(), other.close()]);
    });
  });
}

describeOnDatabase('postgres', 'a bus that does not hear itself', (database) => {
  it('is taken for lost until it does', async () => {
    const busClock = new FakeClock();
    const opened = await openCached(await database.freshUrl(), {
      bus: (provider) => postgresBus(provider, { clock: busClock, heartbeat: 100 }),
    });
    const { people, cache } = opened;
    const { id } = await people.insert(makePerson());
    const answer = async () => {
      await people.getById(id);
      return (await cache.explain('people', id)).answer;
    };
    await until(async () => (await answer()) === 'hit');
    // What it sends comes later than all of these.
    busClock.advance(1_000);
    expect((await cache.explain('people', id)).answer).to.equal('uncached');
    await until(async () => (await answer()) === 'hit');
    await opened.close();
  });

  it('and it says what is wrong with its options', async () => {
    const opened = await openCached(await database.freshUrl());
    const make = () => postgresBus(opened.provider, { channel: 'A', heartbeat: 1 });
    expect(make).to.throw(ValidationError).with.property('issues').that.has.length(2);
    expect(() => dataVersionBus(opened.provider, { interval: 0 })).to.throw(ValidationError, /SQLite/);
    await opened.close();
  });
});

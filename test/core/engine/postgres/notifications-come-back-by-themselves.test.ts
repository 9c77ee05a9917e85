import { expect } from 'chai';
import { DatabaseProviderFactory, PoolClosedError, ValidationError } from '../../../../src/core/index.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { runCommand } from '../../../../scripts/run-command.ts';
import { LateServer } from '../../../support/late-server.ts';
import { until } from '../../../support/until.ts';

describeOnDatabase('postgres', 'a listener', (database) => {
  const open = async (url?: string) =>
    DatabaseProviderFactory.createProvider<object>(url ?? (await database.freshUrl()));

  function makeEar() {
    const heard: string[] = [];
    let gaps = 0;
    return {
      heard,
      gaps: () => gaps,
      listener: {
        onNotification: (payload: string) => void heard.push(payload),
        onGap: () => void (gaps += 1),
      },
    };
  }

  it('hears what is sent on its channel, in the order of the commits, and nothing that is rolled back', async () => {
    await using provider = await open();
    const ear = makeEar();
    const other = makeEar();
    provider.listen('news', ear.listener);
    provider.listen('other', other.listener);
    await until(() => ear.gaps() > 0 && other.gaps() > 0);
    const send = (payload: string, fails = false) =>
      provider.transaction(async (tx) => {
        await tx.selectNoFrom(provider.sql.notify!('news', payload).as('sent')).execute();
        if (fails) throw new RangeError('rolled back');
      });
    await send('1');
    await send('2', true).catch(() => undefined);
    await send("3 'quoted' ü");
    await until(() => ear.heard.length === 2);
    expect(ear.heard).to.deep.equal(['1', "3 'quoted' ü"]);
    expect(other.heard).to.deep.equal([]);
  });

  it('is told of a gap whenever its connection was lost, and hears on', async () => {
    const url = await database.freshUrl();
    await using provider = await open(url);
    await using sender = await open(url);
    const ear = makeEar();
    provider.listen('news', ear.listener);
    for (let round = 1; round <= 3; round += 1) {
      await until(() => ear.gaps() >= round);
      await sender.query('select pg_notify(?, ?)', ['news', String(round)]);
      await until(() => ear.heard.length === round);
      await sender.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and query ilike 'listen%'`,
      );
    }
    await until(() => ear.gaps() >= 4);
  });

  it('waits for a server that is not there, and hears when it is', async () => {
    const url = await database.freshUrl();
    const server = await LateServer.reserve(url);
    try {
      const warnings: unknown[] = [];
      const logger = {
        debug() {},
        info() {},
        warn: (fields: unknown) => void warnings.push(fields),
        error() {},
      };
      await using provider = DatabaseProviderFactory.createProvider<object>(server.url, { logger });
      const ear = makeEar();
      provider.listen('news', ear.listener);
      await until(() => warnings.length > 0);
      expect(ear.gaps()).to.equal(0);
      await server.open('57P03');
      await until(() => server.knocks > 0);
      server.greeting = 'welcome';
      await until(() => ear.gaps() === 1);
    } finally {
      await server.close();
    }
  });

  it('hears nothing more once it is closed, and its connection ends with the last of them', async () => {
    const url = await database.freshUrl();
    await using provider = await open(url);
    await using watcher = await open(url);
    const [first, second] = [makeEar(), makeEar()];
    const subscription = provider.listen('news', first.listener);
    const other = provider.listen('news', second.listener);
    await until(() => first.gaps() > 0 && second.gaps() > 0);
    subscription?.close();
    subscription?.close();
    await watcher.query('select pg_notify(?, ?)', ['news', 'x']);
    await until(() => second.heard.length === 1);
    expect(first.heard).to.deep.equal([]);
    other?.close();
    await until(
      async () =>
        (
          await watcher.query(`select 1 from pg_stat_activity
      where datname = current_database() and query ilike 'listen%'`)
        ).length === 0,
    );
    provider.listen('news', first.listener);
    await until(async () => {
      await watcher.query('select pg_notify(?, ?)', ['news', 'again']);
      return first.heard.includes('again');
    });
  });

  it('that throws keeps no other from hearing', async () => {
    const logged: unknown[] = [];
    const logger = { debug() {}, info() {}, warn() {}, error: (fields: unknown) => void logged.push(fields) };
    await using provider = DatabaseProviderFactory.createProvider<object>(await database.freshUrl(), {
      logger,
    });
    const throwing = () => {
      throw new Error('deaf');
    };
    const ear = makeEar();
    provider.listen('news', { onNotification: throwing, onGap: throwing });
    provider.listen('news', ear.listener);
    await until(() => ear.gaps() > 0);
    await provider.query('select pg_notify(?, ?)', ['news', 'x']);
    await until(() => ear.heard.length === 1);
    expect(logged.length).to.be.greaterThan(1);
  });

  it('is refused on a channel that is no identifier, and after close', async () => {
    await using provider = await open();
    for (const channel of ['', 'News', 'a b', 'a;drop table x', 'x'.repeat(64)]) {
      expect(() => provider.listen(channel, makeEar().listener)).to.throw(ValidationError);
    }
    await provider.close();
    expect(() => provider.listen('news', makeEar().listener)).to.throw(PoolClosedError);
  });

  it('holds no process', async () => {
    const url = await database.freshUrl();
    const door = new URL('../../../../src/core/index.ts', import.meta.url).href;
    const program = `
      import { DatabaseProviderFactory } from ${JSON.stringify(door)};
      const provider = DatabaseProviderFactory.createProvider(${JSON.stringify(url)});
      provider.listen('news', { onNotification() {}, onGap: () => console.log('listening') });`;
    const { code, output } = await runCommand('node', ['--input-type=module', '-e', program]);
    expect(output.trim()).to.equal('listening');
    expect(code).to.equal(0);
  });
});

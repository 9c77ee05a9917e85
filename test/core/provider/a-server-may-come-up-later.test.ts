import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect } from 'chai';
import {
  ConnectionError,
  DatabaseProviderFactory,
  PoolClosedError,
  ValidationError,
  systemClock,
  type Clock,
  type DatabaseProvider,
  type InitializeHook,
} from '../../../src/core/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { LateServer, type Greeting } from '../../support/late-server.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { until } from '../../support/until.ts';

describeOnDatabase('postgres', 'a server may come up later', (database) => {
  let server: LateServer;
  let provider: DatabaseProvider<unknown> | undefined;
  let failures = 0;

  beforeEach(async () => {
    server = await LateServer.reserve(await database.freshUrl());
    failures = 0;
  });
  afterEach(async () => {
    await provider?.close({ deadline: 0 });
    await server.close();
  });

  /** Counts the attempts that failed by what the provider says of them. */
  function open(
    onInitialize: readonly InitializeHook<unknown>[] = [],
    clock: Clock = systemClock,
  ): DatabaseProvider<unknown> {
    const ignore = () => undefined;
    const logger = { debug: ignore, warn: ignore, error: ignore, info: () => void (failures += 1) };
    provider = DatabaseProviderFactory.createProvider<unknown>(server.url, { logger, onInitialize, clock });
    return provider;
  }

  it('than its application: initialize waits, and then runs the hooks once', async () => {
    let hooks = 0;
    const own = open([async () => void (hooks += 1)]);
    const initialized = Promise.all([own.initialize(), own.initialize()]);
    await until(() => failures >= 2);
    expect(hooks).to.equal(0);
    await server.open();
    await initialized;
    expect(hooks).to.equal(1);
    expect(await own.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
  });

  for (const greeting of ['57P03', '53300', 'hang up'] satisfies Greeting[]) {
    it(`and is waited for while it says ${greeting}`, async () => {
      await server.open(greeting);
      const initialized = open().initialize();
      await until(() => failures >= 2);
      server.greeting = 'welcome';
      await initialized;
    });
  }

  it('or never say a word: the deadline is kept', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const url = `postgres://app@127.0.0.1:${port}/app`;
    const pool = { acquireTimeout: 60_000 };
    const clock = new FakeClock();
    provider = DatabaseProviderFactory.createProvider<unknown>({ url, pool }, { clock });
    const outcome = rejectionOf(provider.initialize({ deadline: 10_000 }));
    expect(await clock.runUntil(outcome)).to.be.within(10_000, 10_020);
    expect(await outcome).to.be.instanceOf(ConnectionError);
    const closed = provider.close({ deadline: 0 });
    await clock.runUntil(closed);
    await closed;
    silent.close();
  });

  it('than the deadline: then the cause of the last failure is thrown, in time', async () => {
    const clock = new FakeClock();
    const outcome = rejectionOf(open([], clock).initialize({ deadline: 10_000 }));
    expect(await clock.runUntil(outcome)).to.be.within(10_000, 10_050);
    const error = await outcome;
    expect(error).to.be.instanceOf(ConnectionError);
    expect((error as Error).message).to.contain('ECONNREFUSED');
    expect(failures).to.be.at.least(2);
  });

  it('and the next initialize tries again', async () => {
    const own = open();
    await rejectionOf(own.initialize({ deadline: 0 }));
    expect(failures).to.equal(0);
    await server.open();
    await own.initialize({ deadline: 0 });
  });

  it('but whoever is not let in is told at once', async () => {
    await server.open('28P01');
    const error = await rejectionOf(open().initialize());
    expect(error).to.be.instanceOf(ConnectionError).and.to.have.property('retryable', false);
    expect(server.knocks).to.equal(1);
  });

  it('but a database that is not there is told at once', async () => {
    await server.open();
    const url = new URL(server.url);
    url.pathname = '/no_such_database';
    provider = DatabaseProviderFactory.createProvider<unknown>(url.href);
    const error = await rejectionOf(provider.initialize());
    expect(error).to.be.instanceOf(ConnectionError).and.to.have.property('retryable', false);
    expect(server.knocks).to.equal(1);
  });

  it('but whoever closes does not wait for it', async () => {
    const own = open();
    const initialized = rejectionOf(own.initialize());
    await until(() => failures >= 1);
    await own.close();
    expect(await initialized).to.be.instanceOf(PoolClosedError);
  });

  it('and a deadline that is none is refused', async () => {
    for (const deadline of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(await rejectionOf(open().initialize({ deadline }))).to.be.instanceOf(ValidationError);
    }
  });
});

describe('a file that cannot be opened', () => {
  it('is not waited for', async () => {
    await using provider = DatabaseProviderFactory.createProvider<unknown>('sqlite:/dev/null/app.db');
    const error = await rejectionOf(provider.initialize());
    expect(error).to.be.instanceOf(ConnectionError).and.to.have.property('retryable', false);
  });
});

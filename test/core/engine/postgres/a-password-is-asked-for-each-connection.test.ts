import { expect } from 'chai';
import pg from 'pg';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { sql } from 'kysely';
import {
  ConfigurationError,
  ConnectionError,
  DatabaseProviderFactory,
  parseDatabaseConfig,
  type SecretSource,
} from '../../../../src/core/index.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { reportNotRun } from '../../../support/reporter.ts';
import { makeTempDirectory } from '../../../support/temp-directory.ts';
import { describeOnPostgres } from './postgres-harness.ts';

const canary = 'hunter2 of the vault';

describeOnPostgres('a password is asked for with each connection', (postgres) => {
  const role = `rotated_${process.pid}`;
  let url: URL;
  let admin: pg.Client;
  let asksForPassword: boolean;

  before(async () => {
    url = new URL(await postgres.freshUrl());
    admin = new pg.Client({ connectionString: url.href });
    await admin.connect();
    await admin.query(`create role ${role} login password 'first'`);
    const guess = new pg.Client({ connectionString: withUser('wrong').href });
    asksForPassword = await guess.connect().then(
      () => false,
      () => true,
    );
    await guess.end().catch(() => {});
  });

  after(async () => {
    await admin.query(`drop role ${role}`);
    await admin.end();
  });

  function withUser(password: string): URL {
    const copy = new URL(url);
    copy.username = role;
    copy.password = password;
    return copy;
  }

  function provide(password: SecretSource, acquireTimeout = 5_000) {
    const { hostname, port, pathname } = url;
    return DatabaseProviderFactory.createProvider(
      parseDatabaseConfig({
        type: 'postgres',
        connection: { host: hostname, port: Number(port), database: pathname.slice(1), user: role, password },
        pool: { max: 2, acquireTimeout },
      }),
    );
  }

  const ask = (provider: ReturnType<typeof provide>) => sql`select 1`.execute(provider.db);
  const end = (reason: string) =>
    admin.query(
      `select pg_terminate_backend(pid), '${reason}' from pg_stat_activity where usename = '${role}'`,
    );

  it('so that a new one needs no new start, by a function or a file', async function () {
    if (!asksForPassword) {
      reportNotRun('a rotated password', 'the server at TEST_POSTGRES_URL asks for none');
      this.skip();
    }
    const file = join(makeTempDirectory('password'), 'password');
    let asked = 0;
    let current = 'first';
    const tell = (password: string) => {
      current = password;
      writeFileSync(file, `${password}\n`, { flag: 'w' });
      chmodSync(file, 0o600);
    };
    for (const source of [() => ((asked += 1), Promise.resolve(current)), { file }]) {
      tell('first');
      await admin.query(`alter role ${role} password 'first'`);
      const provider = provide(source);
      try {
        await ask(provider);
        await ask(provider);
        tell('second');
        await admin.query(`alter role ${role} password 'second'`);
        await end('so that a new connection is needed');
        await ask(provider).catch(() => ask(provider));
      } finally {
        await provider.close();
      }
    }
    expect(asked, 'once for each connection, not for each statement').to.equal(2);
  });

  it('and where it cannot be had, the error says so and holds nothing of it', async function () {
    if (!asksForPassword) this.skip();
    const failing: readonly (readonly [
      SecretSource,
      RegExp,
      typeof ConnectionError | typeof ConfigurationError,
    ])[] = [
      [
        () => Promise.reject(Object.assign(new Error(canary), { token: canary })),
        /function of connection\.password failed/,
        ConnectionError,
      ],
      [() => '', /connection\.password is empty/, ConfigurationError],
      [{ file: '/no/such/file' }, /connection\.password: the file .* cannot be read/, ConfigurationError],
      [{ env: 'NO_SUCH_VARIABLE_OF_TESTS' }, /NO_SUCH_VARIABLE_OF_TESTS is not set/, ConfigurationError],
      [() => canary, /refused the role or its password/, ConnectionError],
    ];
    for (const [source, message, kind] of failing) {
      const provider = provide(source);
      try {
        const error = await rejectionOf(ask(provider));
        expect(error).to.be.instanceOf(kind).with.property('message').that.matches(message);
        expect(inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error)).not.to.contain(
          canary,
        );
      } finally {
        await provider.close();
      }
    }
  });

  it('and who gives none in time is named; a late failure is nobody’s', async function () {
    if (!asksForPassword) this.skip();
    let fail = (_: Error): void => {};
    const late = new Promise<string>((_, reject) => (fail = reject));
    const provider = provide(() => late, 200);
    try {
      const error = await rejectionOf(ask(provider));
      expect(error).to.be.instanceOf(ConnectionError);
      expect((error as Error).message).to.match(/connection\.password gave no answer within 180 ms/);
      fail(new Error(canary));
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      await provider.close();
    }
  });

  it('and is not asked for where the server never comes so far', async () => {
    const deaf = createServer(() => {}).listen(0, '127.0.0.1');
    await once(deaf, 'listening');
    let asked = 0;
    const provider = DatabaseProviderFactory.createProvider(
      parseDatabaseConfig({
        type: 'postgres',
        connection: {
          host: '127.0.0.1',
          port: (deaf.address() as AddressInfo).port,
          password: () => `${(asked += 1)}`,
        },
        pool: { acquireTimeout: 100 },
      }),
    );
    try {
      expect(await rejectionOf(ask(provider))).to.be.instanceOf(ConnectionError);
      expect(asked).to.equal(0);
    } finally {
      await provider.close();
      deaf.close();
    }
  });

  it('and a configuration with one is never printed, and reads as the same again', () => {
    const config = parseDatabaseConfig({ type: 'postgres', connection: { password: () => canary } });
    expect(inspect(config, { depth: 10, showHidden: true }) + JSON.stringify(config))
      .to.contain('[redacted]')
      .and.not.contain(canary);
    expect(parseDatabaseConfig(config)).to.deep.equal(config);
    for (const password of [{ file: '' }, { env: 7 }, { file: 'a', env: 'b' }, {}, { url: canary }]) {
      const parse = () => parseDatabaseConfig({ type: 'postgres', connection: { password } as never });
      expect(parse).to.throw(ConfigurationError, /^connection\.password: /);
      expect(() => parseDatabaseConfig(JSON.parse(JSON.stringify(config)) as never)).to.throw(
        ConfigurationError,
        /is the mark/,
      );
    }
  });
});

import { expect } from 'chai';
import pg from 'pg';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { inspect } from 'node:util';
import type { DatabaseConfig } from '../../../../src/core/config/database-config.ts';
import type { PostgresConnection } from '../../../../src/core/config/postgres-config.ts';
import { postgresClientOptions } from '../../../../src/core/engine/postgres/postgres-client-options.ts';
import { ConnectionError, parseDatabaseConfig } from '../../../../src/core/index.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { reportNotRun } from '../../../support/reporter.ts';
import { gateCertificate, openTlsGate, type TlsGate } from '../../../support/tls-gate.ts';
import { describeOnPostgres, type PostgresHarness } from './postgres-harness.ts';

const password = 'a canary that must not sing';

describeOnPostgres('a connection says why it cannot be opened, and keeps the password', (postgres) => {
  it('no such database', async () => {
    const url = new URL(await postgres.freshUrl());
    url.pathname = '/no_such_database';
    const error = await failureToOpen(postgres, { url: url.href });
    expect(error.message)
      .to.contain('no_such_database')
      .and.contain('connection.database')
      .and.contain(url.host);
  });

  it('a role that may not come in', async () => {
    const url = new URL(await postgres.freshUrl());
    url.username = 'no_such_role';
    url.password = encodeURIComponent(password);
    const error = await failureToOpen(postgres, { url: url.href });
    expect(error.message).to.contain('connection.user').and.contain('connection.password');
  });

  it('a wrong password', async function () {
    const url = new URL(await postgres.freshUrl());
    url.password = encodeURIComponent(password);
    if (await letsIn(url.href)) {
      reportNotRun('a wrong password is refused', 'the server at TEST_POSTGRES_URL asks for none');
      return;
    }
    const error = await failureToOpen(postgres, { url: url.href });
    expect(error.message).to.contain('connection.password');
  });

  it('no password where the server asks for one', async () => {
    const server = await listenAskingForScram();
    try {
      const { port } = server.address() as AddressInfo;
      const connection = { host: '127.0.0.1', port };
      const { message } = await failureToOpen(postgres, { type: 'postgres', connection });
      expect(message).to.contain('connection.password').and.contain('DATABASE_PASSWORD');
    } finally {
      server.close();
    }
  });

  it('nobody listens', async () => {
    const url = new URL(await postgres.freshUrl());
    url.port = '1';
    url.password = encodeURIComponent(password);
    const error = await failureToOpen(postgres, { url: url.href });
    expect(error.message).to.contain('ECONNREFUSED').and.contain(`${url.hostname}:1`);
  });

  it('an unknown host', async () => {
    const connection = { host: 'no-such-host.invalid', database: 'x', password, tls: 'insecure' };
    const error = await failureToOpen(postgres, { type: 'postgres', connection });
    expect(error.message).to.contain('no-such-host.invalid').and.contain('connection.host');
  });

  it('a failure costs no place in the pool', async () => {
    const url = new URL(await postgres.freshUrl());
    url.pathname = '/no_such_database';
    const provider = await postgres.open({ url: url.href, pool: { max: 2 } });
    for (let attempt = 0; attempt < 5; attempt += 1) {
      expect(await rejectionOf(provider.query('select 1'))).to.be.instanceOf(ConnectionError);
    }
    expect(provider.stats()).to.include({ size: 0, busy: 0, created: 0, timeouts: 0 });
  });

  it('a configuration that was parsed shows no password, nor does a provider', async () => {
    const url = new URL(await postgres.freshUrl());
    url.searchParams.set('application_name', 'canary');
    const provider = await postgres.open({ url: url.href });
    await provider.query('select 1');
    const config = parseDatabaseConfig({ type: 'postgres', connection: { host: 'localhost', password } });
    const shown = inspect([provider, config, provider.db], { depth: 20, showHidden: true });
    expect(shown).not.to.contain(password);
    if (url.password !== '') expect(shown).not.to.contain(decodeURIComponent(url.password));
  });
});

describeOnPostgres('TLS is verified', (postgres) => {
  let gate: TlsGate | undefined;
  afterEach(() => gate?.close());

  async function connectionThroughGate(host: string, tlsCa?: string): Promise<object> {
    const url = new URL(await postgres.freshUrl());
    gate = await openTlsGate(url.href);
    return {
      type: 'postgres',
      connection: {
        host,
        port: gate.port,
        user: url.username,
        database: url.pathname.slice(1),
        ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
        tls: 'verify',
        ...(tlsCa === undefined ? {} : { tlsCa }),
      },
    };
  }

  it('a server without TLS is refused', async () => {
    const url = new URL(await postgres.freshUrl());
    url.searchParams.set('sslmode', 'verify-full');
    const { message } = await failureToOpen(postgres, { url: url.href });
    expect(message).to.match(/TLS|certificate/);
  });

  it('a certificate that nobody vouches for is refused', async () => {
    const { message } = await failureToOpen(postgres, await connectionThroughGate('localhost'));
    expect(message).to.contain('connection.tlsCa').and.contain('SELF_SIGNED');
  });

  it('a certificate for another host is refused', async () => {
    const { message } = await failureToOpen(
      postgres,
      await connectionThroughGate('127.0.0.1', gateCertificate),
    );
    expect(message).to.contain('connection.host').and.contain('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('a password is tied to the certificate where that is asked for', () => {
    for (const channelBinding of [true, false]) {
      const connection = { host: 'db', channelBinding };
      const config = parseDatabaseConfig({ type: 'postgres', connection }) as DatabaseConfig<
        'postgres',
        PostgresConnection
      >;
      expect(postgresClientOptions(config, pg.types)).to.include({ enableChannelBinding: channelBinding });
    }
  });

  it('the right certificate for the right host is accepted', async () => {
    const provider = await postgres.open(await connectionThroughGate('localhost', gateCertificate));
    expect(await provider.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
  });
});

async function failureToOpen(postgres: PostgresHarness, settings: object): Promise<ConnectionError> {
  const provider = await postgres.open(settings);
  const error = await rejectionOf(provider.query('select 1'));
  expect(error).to.be.instanceOf(ConnectionError);
  expect(`${JSON.stringify(error)}${inspect(error, { depth: 20, showHidden: true })}`).not.to.contain(
    password,
  );
  return error as ConnectionError;
}

/**
 * What a server says that wants a password by SCRAM; the servers of the tests ask in another way or not at all.
 * See PostgreSQL documentation, "55.3.1. SCRAM-SHA-256 Authentication".
 */
async function listenAskingForScram(): Promise<Server> {
  const questions = [
    [10, 'SCRAM-SHA-256\0\0'],
    [11, 'r=nonce,s=c2FsdA==,i=4096'],
  ] as const;
  const server = createServer((client) => {
    let asked = 0;
    client.on('error', () => {});
    client.on('data', () => {
      const [kind, text] = questions[asked] ?? [];
      asked += 1;
      if (kind === undefined) return;
      const message = Buffer.alloc(9 + text.length, `R\0\0\0\0\0\0\0\0${text}`);
      message.writeInt32BE(8 + text.length, 1);
      message.writeInt32BE(kind, 5);
      client.write(message);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function letsIn(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end();
  }
}

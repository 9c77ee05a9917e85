// Security check: C25.
import { expect } from 'chai';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { ConnectionError } from '../../../../src/core/index.ts';
import { CertificateAuthority, canMakeCertificates, type Identity } from '../../../support/certificates.ts';
import { PostgresCluster } from '../../../support/postgres-cluster.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { reportNotRun } from '../../../support/reporter.ts';
import { gateCertificate, openTlsGate, type TlsGate } from '../../../support/tls-gate.ts';
import { describeOnPostgres } from './postgres-harness.ts';

const password = 'a canary that must not sing';

describeOnPostgres('a server proves who it is by its certificate', (postgres) => {
  let gate: TlsGate | undefined;
  let authority: CertificateAuthority;
  let stranger: CertificateAuthority;

  before(function () {
    if (!canMakeCertificates()) {
      reportNotRun('bad certificates are refused', 'there is no openssl here to make them');
      this.skip();
    }
    this.timeout(60_000);
    authority = new CertificateAuthority('ours');
    stranger = new CertificateAuthority('theirs');
  });
  afterEach(() => gate?.close());

  async function settingsFor(identity: Identity): Promise<object> {
    const url = new URL(await postgres.freshUrl());
    gate = await openTlsGate(url.href, identity);
    const known = url.password === '' ? {} : { password: decodeURIComponent(url.password) };
    const place = { host: 'localhost', port: gate.port, user: url.username, database: url.pathname.slice(1) };
    return { type: 'postgres', connection: { ...place, ...known, tlsCa: authority.certificate } };
  }

  it('which is good where the authority vouches for it, for this host and now', async () => {
    const provider = await postgres.open(await settingsFor(authority.issue()));
    expect(await provider.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
  });

  const bad: readonly [string, () => Identity, string][] = [
    [
      'expired',
      () => authority.issue({ period: ['20200101000000Z', '20210101000000Z'] }),
      'CERT_HAS_EXPIRED',
    ],
    [
      'not yet valid',
      () => authority.issue({ period: ['20980101000000Z', '20990101000000Z'] }),
      'CERT_NOT_YET_VALID',
    ],
    ['for another host', () => authority.issue({ host: 'example.org' }), 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['for clients', () => authority.issue({ usage: 'clientAuth' }), 'INVALID_PURPOSE'],
    ['of an authority that is not ours', () => stranger.issue(), 'UNABLE_TO_'],
  ];
  for (const [what, makeIdentity, code] of bad) {
    it(`which is refused where it is ${what}`, async () => {
      const provider = await postgres.open(await settingsFor(makeIdentity()));
      const error = await rejectionOf(provider.query('select 1'));
      expect(error).to.be.instanceOf(ConnectionError);
      expect((error as Error).message).to.contain(code);
    });
  }

  it('which is refused where it is signed by itself', async () => {
    const url = new URL(await postgres.freshUrl());
    gate = await openTlsGate(url.href);
    const connection = { host: 'localhost', port: gate.port, tlsCa: authority.certificate };
    const provider = await postgres.open({ type: 'postgres', connection });
    const error = await rejectionOf(provider.query('select 1'));
    expect((error as Error).message).to.match(/SELF_SIGNED|UNABLE_TO_/);
    expect(gateCertificate).to.contain('BEGIN');
  });
});

describeOnPostgres(
  'a server proves by SCRAM that it knows the password, where that is required',
  (postgres) => {
    let server: Server | undefined;
    afterEach(() => server?.close());

    const questions: readonly [string, number, string][] = [
      ['in the clear', 3, ''],
      ['by MD5', 5, 'salt'],
      ['not at all', 0, ''],
    ];
    for (const [how, kind, rest] of questions) {
      it(`so that one that asks for it ${how} is refused, and is sent none`, async () => {
        const heard: Buffer[] = [];
        server = await listenAsking([authentication(kind, rest)], heard);
        const { port } = server.address() as AddressInfo;
        const connection = { host: '127.0.0.1', port, password, scram: 'required' };
        const provider = await postgres.open({ type: 'postgres', connection });
        const error = await rejectionOf(provider.query('select 1'));
        expect(error).to.be.instanceOf(ConnectionError);
        expect((error as ConnectionError).message).to.contain('connection.scram');
        expect((error as ConnectionError).retryable).to.equal(false);
        await provider.close();
        await closed(server);
        // The start-up message, and nothing behind it.
        expect(heard).to.have.length(1);
        expect(Buffer.concat(heard).toString('latin1')).not.to.contain('canary');
      });
    }

    it('so that one that asks for it in the clear behind a wrong proof is sent none', async () => {
      const heard: Buffer[] = [];
      server = await listenAsking([authentication(12, 'v=AAAA'), authentication(3, '')], heard);
      const { port } = server.address() as AddressInfo;
      const connection = { host: '127.0.0.1', port, password, scram: 'required' };
      const provider = await postgres.open({ type: 'postgres', connection });
      expect(await rejectionOf(provider.query('select 1'))).to.be.instanceOf(ConnectionError);
      await provider.close();
      await closed(server);
      expect(heard).to.have.length(1);
    });

    it('and a server that uses it lets us in', async function () {
      this.timeout(60_000);
      const cluster = await PostgresCluster.start();
      try {
        await cluster.stopServer();
        writeFileSync(join(cluster.dataFolder, 'pg_hba.conf'), 'host all all 127.0.0.1/32 scram-sha-256\n');
        await cluster.startServer();
        const url = new URL(cluster.url);
        url.searchParams.set('require_auth', 'scram-sha-256');
        const provider = await postgres.open({ url: url.href });
        expect(await provider.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
        await provider.close();
      } finally {
        await cluster.remove();
      }
    });
  },
);

/** A message by which a server says how a client is to log in. */
function authentication(kind: number, rest: string): Buffer {
  const message = Buffer.alloc(9 + rest.length, `R\0\0\0\0\0\0\0\0${rest}`);
  message.writeInt32BE(8 + rest.length, 1);
  message.writeInt32BE(kind, 5);
  return message;
}

/** Behind it a server has heard all that was sent to it. */
async function closed(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

async function listenAsking(questions: readonly Buffer[], heard: Buffer[]): Promise<Server> {
  const server = createServer((client) => {
    client.on('error', () => {});
    client.on('data', (data) => {
      heard.push(data);
      client.write(Buffer.concat(questions));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

import { expect } from 'chai';
import { parseDatabaseConfig } from '../../../src/core/config/parse-database-config.ts';
import { faultsOf } from '../../support/configuration-faults.ts';

const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

function tlsOf(connection: object): unknown {
  return (parseDatabaseConfig({ type: 'postgres', connection }).connection as { tls: unknown }).tls;
}

describe('Encryption towards Postgres', () => {
  for (const host of [
    'localhost',
    'LOCALHOST',
    '127.0.0.1',
    '127.255.0.9',
    '::1',
    '0:0:0:0:0:0:0:1',
    '/run/postgresql',
  ]) {
    it(`is off by default on this machine (${host})`, () => {
      expect(tlsOf({ host })).to.equal('insecure');
    });
  }

  for (const host of [
    'db',
    '10.0.0.1',
    '128.0.0.1',
    'localhost.example.org',
    '127.0.0.1.example.org',
    '::2',
    '0.0.0.0',
  ]) {
    it(`is on, and checked, by default towards ${host}`, () => {
      expect(tlsOf({ host })).to.equal('verify');
    });
  }

  it('is what was asked for', () => {
    expect(tlsOf({ host: 'db', tls: 'insecure' })).to.equal('insecure');
    expect(tlsOf({ host: 'localhost', tls: 'verify' })).to.equal('verify');
  });

  it('is on wherever a certificate authority is given', () => {
    expect(tlsOf({ host: 'localhost', tlsCa: pem })).to.equal('verify');
  });

  for (const [mode, tls] of [
    ['disable', 'insecure'],
    ['require', 'verify'],
    ['verify-ca', 'verify'],
    ['verify-full', 'verify'],
  ] as const) {
    it(`is ${tls} with sslmode=${mode}`, () => {
      expect(parseDatabaseConfig(`postgres://db/app?sslmode=${mode}`).connection).to.include({ tls });
    });
  }

  for (const [word, channelBinding] of [
    ['require', true],
    ['prefer', true],
    ['disable', false],
  ] as const) {
    it(`is ${channelBinding ? '' : 'not '}tied to the password with channel_binding=${word}`, () => {
      const { connection } = parseDatabaseConfig(`postgres://db/app?channel_binding=${word}`);
      expect(connection).to.include({ channelBinding, tls: 'verify' });
    });
  }

  it('never depends on what the server offers', () => {
    for (const mode of ['prefer', 'allow', 'no-verify', '']) {
      const [fault] = faultsOf(() => parseDatabaseConfig(`postgres://db/app?sslmode=${mode}`));
      expect(fault).to.match(/^sslmode: must be verify-full .* or disable/);
    }
  });

  it('takes a certificate authority beside a URL, and refuses a path for one', () => {
    const config = parseDatabaseConfig({ url: 'postgres://db/app', connection: { tlsCa: pem } });
    expect(config.connection).to.include({ tls: 'verify', tlsCa: pem });
    const [fault] = faultsOf(() => parseDatabaseConfig('postgres://db/app?sslrootcert=/etc/ca.pem'));
    expect(fault).to.match(/^sslrootcert: .*connection\.tlsCa.*DATABASE_TLS_CA_FILE/);
    expect(faultsOf(() => tlsOf({ host: 'db', tlsCa: '/etc/ca.pem' }))[0]).to.match(
      /^connection\.tlsCa: .*PEM/,
    );
  });

  it('is refused where it contradicts the rest', () => {
    expect(faultsOf(() => tlsOf({ host: 'db', tls: 'insecure', tlsCa: pem }))[0]).to.match(
      /^connection\.tls: /,
    );
    expect(faultsOf(() => tlsOf({ host: '/run/postgresql', tls: 'verify' }))[0]).to.match(
      /^connection\.tls: /,
    );
  });
});

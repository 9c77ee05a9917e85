import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { databaseConfigFromEnv } from '../../../src/core/config/from-env.ts';
import { parseDatabaseConfig } from '../../../src/core/config/parse-database-config.ts';
import type { PostgresConnection } from '../../../src/core/config/postgres-config.ts';
import { faultsOf } from '../../support/configuration-faults.ts';
import { makeTempDirectory } from '../../support/temp-directory.ts';
import { passwordOf } from '../../support/password-of.ts';

const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

function parse(connection: object): PostgresConnection {
  return parseDatabaseConfig({ type: 'postgres', connection }).connection as PostgresConnection;
}

describe('A replica', () => {
  it('is as its primary in everything that it leaves out', () => {
    const primary = {
      host: 'db-1',
      port: 6543,
      user: 'app',
      database: 'shop',
      password: 'canary',
      applicationName: 'web',
      channelBinding: true,
      scram: 'required',
      prepare: 'off',
      tlsCa: pem,
    } as const;
    const { replicas, ...parsed } = parse({
      ...primary,
      replicas: [{ host: 'db-2' }, 'postgres://db-3', 'postgres://reader@db-4:7000/other', { port: 7001 }],
    });
    const { replicaMaxLag, ...expected } = parsed;
    expect(replicaMaxLag).to.equal(10_000);
    expect(replicas).to.deep.equal([
      { ...expected, host: 'db-2' },
      { ...expected, host: 'db-3' },
      { ...expected, host: 'db-4', port: 7000, user: 'reader', database: 'other' },
      { ...expected, port: 7001 },
    ]);
    expect(passwordOf(replicas[0])).to.equal('canary');
    expect(inspect(replicas, { depth: 10 }) + JSON.stringify(replicas)).not.to.contain('canary');
  });

  it('is there no more than once a server names it, frozen, and none by default', () => {
    const { replicas } = parse({ replicas: [{ host: 'db-2' }] });
    expect(replicas).to.be.frozen.and.to.have.length(1);
    expect(replicas[0]).to.be.frozen;
    expect(parse({}).replicas).to.deep.equal([]);
  });

  it('does not inherit that its primary is in the clear', () => {
    const tlsOf = (primary: object, replica: object | string) =>
      parse({ ...primary, replicas: [replica] }).replicas[0]?.tls;
    expect(tlsOf({ host: 'localhost' }, { host: 'db-2' })).to.equal('verify');
    expect(tlsOf({ host: 'db-1', tls: 'insecure' }, { host: 'db-2' })).to.equal('verify');
    expect(tlsOf({ host: 'db-1' }, { host: 'localhost' })).to.equal('verify');
    expect(tlsOf({ host: 'localhost' }, { port: 7000 })).to.equal('insecure');
    expect(tlsOf({ host: 'db-1', tlsCa: pem }, { host: 'db-2', tls: 'insecure' })).to.equal('insecure');
    expect(tlsOf({ host: 'db-1' }, 'postgres://db-2?sslmode=disable')).to.equal('insecure');
  });

  it('that is faulty is named by its place, and its URL is not repeated', () => {
    const faults = faultsOf(() =>
      parse({
        replicas: [
          { host: 'db 2', replicas: [] },
          'mysql://canary@db',
          'postgres://u:canary@db:0',
          'postgres://db?pool.max=3',
          7,
        ],
      }),
    );
    expect(faults.map((fault) => fault.split(': ')[0])).to.have.members([
      'connection.replicas.0.host',
      'connection.replicas.0.replicas',
      'connection.replicas.1',
      'connection.replicas.2.connection.port',
      'connection.replicas.3',
      'connection.replicas.4',
    ]);
    expect(faults.join()).not.to.contain('canary');
    expect(faultsOf(() => parse({ replicas: { host: 'db-2' } }))).to.deep.equal([
      'connection.replicas: must be a list',
    ]);
  });
});

describe('The environment names replicas', () => {
  const url = 'postgres://app:pass@localhost/shop';

  it('by numbered URLs, in the order of their numbers', () => {
    const numbers = Array.from({ length: 11 }, (_, index) => index + 1);
    const env = Object.fromEntries(
      numbers.toReversed().map((number) => [`DATABASE_URL_REPLICA_${number}`, `postgres://db-${number}`]),
    );
    const { connection } = databaseConfigFromEnv({ DATABASE_URL: url, ...env });
    const { replicas } = connection as PostgresConnection;
    expect(replicas.map(({ host }) => host)).to.deep.equal(numbers.map((number) => `db-${number}`));
    expect(replicas[0]).to.include({ user: 'app', database: 'shop' });
  });

  it('or in files', () => {
    const file = join(makeTempDirectory(), 'replica');
    writeFileSync(file, 'postgres://db-2\n', { mode: 0o600 });
    const { connection } = databaseConfigFromEnv({ DATABASE_URL: url, DATABASE_URL_REPLICA_1_FILE: file });
    expect((connection as PostgresConnection).replicas[0]?.host).to.equal('db-2');
  });

  it('without a gap, and a fault is named after its variable', () => {
    const faults = (env: Record<string, string>) =>
      faultsOf(() => databaseConfigFromEnv({ DATABASE_URL: url, ...env })).map(
        (fault) => fault.split(':')[0],
      );
    expect(faults({ DATABASE_URL_REPLICA_2: 'postgres://db-2' })).to.deep.equal(['DATABASE_URL_REPLICA_1']);
    expect(faults({ DATABASE_URL_REPLICA_1: '' })).to.deep.equal(['DATABASE_URL_REPLICA_1']);
    expect(faults({ DATABASE_URL_REPLICA_1: 'mysql://db' })).to.deep.equal(['DATABASE_URL_REPLICA_1']);
    expect(faults({ DATABASE_URL_REPLICA_1: 'postgres://db:x' })).to.deep.equal([
      'DATABASE_URL_REPLICA_1.connection.port',
    ]);
  });

  it('which SQLite does not have', () => {
    const env = { DATABASE_URL: 'sqlite:app.db', DATABASE_URL_REPLICA_1: 'postgres://db-2' };
    expect(faultsOf(() => databaseConfigFromEnv(env))).to.have.length(1);
  });
});

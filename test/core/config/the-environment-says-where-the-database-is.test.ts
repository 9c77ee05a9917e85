import { expect } from 'chai';
import {
  variablesWithFile,
  type EnvironmentVariable,
} from '../../../src/core/config/environment-variables.ts';
import { databaseConfigFromEnv } from '../../../src/core/config/from-env.ts';
import { parseDatabaseConfig } from '../../../src/core/config/parse-database-config.ts';
import type { PostgresConnection } from '../../../src/core/config/postgres-config.ts';
import { faultsOf } from '../../support/configuration-faults.ts';
import { passwordOf } from '../../support/password-of.ts';

const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

describe('The environment', () => {
  it('needs to say nothing: then the database is SQLite in a file', () => {
    expect(databaseConfigFromEnv({})).to.deep.equal(parseDatabaseConfig('sqlite:./data/liminal.db'));
    expect(databaseConfigFromEnv({ DATABASE_TYPE: 'sqlite' }).connection).to.include({
      filename: './data/liminal.db',
    });
    expect(databaseConfigFromEnv({ DATABASE_POOL_MAX: '3' })).to.deep.include({ type: 'sqlite' });
  });

  it('is the one of the process where none is given', () => {
    const before = process.env['DATABASE_URL'];
    process.env['DATABASE_URL'] = 'sqlite:from-the-process.db';
    try {
      expect(databaseConfigFromEnv().connection).to.include({ filename: 'from-the-process.db' });
    } finally {
      if (before === undefined) delete process.env['DATABASE_URL'];
      else process.env['DATABASE_URL'] = before;
    }
  });

  it('can name every option', () => {
    const env: Record<EnvironmentVariable, string | undefined> = {
      DATABASE_URL: undefined,
      DATABASE_TYPE: 'postgres',
      DATABASE_FILENAME: undefined,
      DATABASE_DURABILITY: undefined,
      DATABASE_WORKERS: undefined,
      DATABASE_LOOP_BLOCK_THRESHOLD: undefined,
      DATABASE_HOST: 'db.example.org',
      DATABASE_PORT: '6543',
      DATABASE_NAME: 'shop',
      DATABASE_USER: 'app',
      DATABASE_PASSWORD: 'pass',
      DATABASE_TLS: 'verify',
      DATABASE_TLS_CA: pem,
      DATABASE_CHANNEL_BINDING: 'true',
      DATABASE_SCRAM: 'required',
      DATABASE_APPLICATION_NAME: 'web',
      DATABASE_PREPARE: 'off',
      DATABASE_REPLICA_MAX_LAG: '10',
      DATABASE_POOL_MIN: '1',
      DATABASE_POOL_MAX: '2',
      DATABASE_POOL_ACQUIRE_TIMEOUT: '3',
      DATABASE_POOL_IDLE_TIMEOUT: '4',
      DATABASE_POOL_MAX_LIFETIME: '5',
      DATABASE_POOL_MAX_WAITING: '6',
      DATABASE_POOL_LEAK_THRESHOLD: '9',
      DATABASE_STATEMENT_TIMEOUT: '7',
      DATABASE_LOCK_TIMEOUT: '8',
      DATABASE_SLOW_QUERY_THRESHOLD: '11',
      DATABASE_DEBUG: '1',
    };
    const config = databaseConfigFromEnv(env);
    const { password, ...connection } = config.connection as PostgresConnection;
    expect(passwordOf({ password })).to.equal('pass');
    expect({ ...config, connection }).to.deep.equal({
      type: 'postgres',
      connection: {
        host: 'db.example.org',
        port: 6543,
        database: 'shop',
        user: 'app',
        tls: 'verify',
        tlsCa: pem,
        channelBinding: true,
        scram: 'required',
        applicationName: 'web',
        prepare: 'off',
        replicas: [],
        replicaMaxLag: 10,
      },
      pool: {
        min: 1,
        max: 2,
        acquireTimeout: 3,
        idleTimeout: 4,
        maxLifetime: 5,
        maxWaiting: 6,
        leakThreshold: 9,
      },
      statementTimeout: 7,
      lockTimeout: 8,
      slowQueryThreshold: 11,
      debug: true,
    });
  });

  it('may name a file or memory', () => {
    expect(databaseConfigFromEnv({ DATABASE_FILENAME: 'app.db' }).connection).to.include({
      filename: 'app.db',
    });
    const env = { DATABASE_FILENAME: 'app.db', DATABASE_DURABILITY: 'normal', DATABASE_WORKERS: '2' };
    expect(databaseConfigFromEnv(env).connection).to.include({ durability: 'normal', workers: 2 });
    expect(databaseConfigFromEnv({ DATABASE_FILENAME: ':memory:' }).connection).to.include({ memory: true });
    expect(databaseConfigFromEnv({ DATABASE_URL: 'sqlite::memory:' }).connection).to.include({
      memory: true,
    });
  });

  it('may add to a URL what the URL leaves out, such as the password', () => {
    const env = {
      DATABASE_URL: 'postgres://app@db/shop',
      DATABASE_PASSWORD: 'pass',
      DATABASE_POOL_MAX: '20',
    };
    const config = databaseConfigFromEnv(env);
    expect(passwordOf(config.connection)).to.equal('pass');
    expect(config.pool.max).to.equal(20);
  });

  it('has every fault named after the variable that has it', () => {
    const env = {
      DATABASE_URL: 'postgres://app@db/shop?pool.min=x&speed=9',
      DATABASE_TYPE: 'postgres',
      DATABASE_HOST: 'other',
      DATABASE_PORT: 'five',
      DATABASE_POOL_MAX: '0x10',
      DATABASE_STATEMENT_TIMEOUT: '1.5',
      DATABASE_DEBUG: 'on',
      DATABASE_USER: '',
    };
    expect(faultsOf(() => databaseConfigFromEnv(env)).map((line) => line.split(':')[0])).to.have.members([
      'DATABASE_URL.pool.min',
      'DATABASE_URL.speed',
      'DATABASE_TYPE',
      'DATABASE_HOST',
      'DATABASE_PORT',
      'DATABASE_POOL_MAX',
      'DATABASE_STATEMENT_TIMEOUT',
      'DATABASE_DEBUG',
      'DATABASE_USER',
    ]);
  });

  it('has what is missing named after the variable that would say it', () => {
    expect(faultsOf(() => databaseConfigFromEnv({ DATABASE_HOST: 'db' }))[0]).to.match(
      /^DATABASE_TYPE: is missing/,
    );
  });

  it('has what another engine would want named after its variable', () => {
    const env = { DATABASE_TYPE: 'sqlite', DATABASE_HOST: 'db' };
    expect(faultsOf(() => databaseConfigFromEnv(env))[0]).to.match(/^DATABASE_HOST: is unknown here/);
  });

  it('with an empty variable is refused, instead of falling back to an empty database', () => {
    expect(faultsOf(() => databaseConfigFromEnv({ DATABASE_URL: '' }))).to.deep.equal([
      'DATABASE_URL: is set but empty; give it a value or unset it',
    ]);
  });

  it('may hold variables of other programs', () => {
    const env = {
      DATABASE_URL: 'sqlite:app.db',
      DATABASE_LOG: '1',
      DATABASE_POOL: '5',
      DATABASE_USER_FILE: '/none',
    };
    expect(databaseConfigFromEnv(env)).to.deep.equal(parseDatabaseConfig('sqlite:app.db'));
  });

  it('gives every secret a twin that names a file', () => {
    expect(variablesWithFile).to.include.members(['DATABASE_URL', 'DATABASE_PASSWORD']);
  });
});

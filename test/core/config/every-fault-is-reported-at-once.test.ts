import { expect } from 'chai';
import { parseDatabaseConfig } from '../../../src/core/config/parse-database-config.ts';
import { faultsOf } from '../../support/configuration-faults.ts';

describe('parseDatabaseConfig', () => {
  it('reports every fault of an object at once, each with its path', () => {
    const input = {
      type: 'postgres',
      connection: {
        host: 'a b',
        port: 0,
        user: ' ',
        database: '\0',
        password: '',
        tls: 'maybe',
        tlsCa: 'ca.pem',
      },
      pool: { min: -1, max: 0.5, acquireTimeout: 0, idleTimeout: '1s', maxLifetime: NaN, maxWaiting: 1e9 },
      statementTimeout: null,
      lockTimeout: 3_600_001,
      slowQueryThreshold: 0.5,
      debug: 'yes',
      retries: 3,
    };
    const paths = faultsOf(() => parseDatabaseConfig(input)).map((line) => line.split(':')[0]);
    expect(paths).to.have.members([
      ...['host', 'port', 'user', 'database', 'password', 'tls', 'tlsCa'].map(
        (field) => `connection.${field}`,
      ),
      ...['min', 'max', 'acquireTimeout', 'idleTimeout', 'maxLifetime', 'maxWaiting'].map(
        (field) => `pool.${field}`,
      ),
      'statementTimeout',
      'lockTimeout',
      'slowQueryThreshold',
      'debug',
      'retries',
    ]);
  });

  it('reports every fault of a URL at once', () => {
    const url =
      'postgres://h:x/db?sslmode=prefer&sslrootcert=/ca&connect_timeout=soon&pool.max=many&debug=maybe';
    const paths = faultsOf(() => parseDatabaseConfig(url)).map((line) => line.split(':')[0]);
    expect(paths).to.have.members(['sslmode', 'sslrootcert', 'connect_timeout', 'pool.max', 'debug']);
  });

  it('reports the faults beside a URL that cannot be read', () => {
    const faults = faultsOf(() => parseDatabaseConfig({ url: 'nowhere', pool: { max: 0 } }));
    expect(faults).to.have.lengthOf(2);
    expect(faults[0]).to.match(/^url: must be a URL/);
    expect(faults[1]).to.match(/^pool\.max: /);
  });

  it('refuses a pool whose min is above its max', () => {
    const atLeast = (min: number, max?: number) => () =>
      parseDatabaseConfig({ type: 'postgres', pool: { min, ...(max === undefined ? {} : { max }) } });
    expect(faultsOf(atLeast(6, 5))).to.deep.equal([
      'pool.min: must not be above pool.max, which is 10 by default',
    ]);
    expect(faultsOf(atLeast(11))).to.have.lengthOf(1);
    expect(atLeast(5, 5)().pool).to.include({ min: 5, max: 5 });
  });

  it('does not compare min with a max that is faulty itself', () => {
    const input = { type: 'postgres', pool: { min: 20, max: 'x' } };
    expect(faultsOf(() => parseDatabaseConfig(input))).to.deep.equal([
      'pool.max: must be an integer from 1 to 10000',
    ]);
  });

  it('refuses what is given twice instead of letting one win', () => {
    const url = 'postgres://db.example.org/app?pool.max=5';
    const beside = { type: 'postgres', connection: { host: 'other' }, pool: { max: 6 } };
    expect(
      faultsOf(() => parseDatabaseConfig({ url, ...beside })).map((line) => line.split(':')[0]),
    ).to.have.members(['type', 'connection.host', 'pool.max']);
    expect(faultsOf(() => parseDatabaseConfig(`${url}&pool.max=5`))[0]).to.match(
      /^pool\.max: is given twice/,
    );
    expect(faultsOf(() => parseDatabaseConfig(`${url}&host=other`))[0]).to.match(/^host: is given twice/);
  });

  for (const [what, input] of Object.entries({
    undefined,
    null: null,
    'a number': 5,
    'a list': [],
    'a map': new Map(),
    'a function': () => 'sqlite:x',
  })) {
    it(`refuses ${what}, which is neither a URL nor a plain object`, () => {
      expect(faultsOf(() => parseDatabaseConfig(input))).to.have.lengthOf(1);
    });
  }

  it('says what is missing where nothing is given', () => {
    expect(faultsOf(() => parseDatabaseConfig({}))).to.deep.equal([
      'type: is missing; give one of sqlite, postgres, or a url',
    ]);
  });
});

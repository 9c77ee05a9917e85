import { expect } from 'chai';
import * as fc from 'fast-check';
import { parseDatabaseConfig } from '../../../src/core/config/parse-database-config.ts';
import { poolOptions, timeoutOptions } from '../../../src/core/config/database-options.ts';
import { ConfigurationError } from '../../../src/core/foundation/errors/configuration-error.ts';

const numberIn = ({ min, max }: { min: number; max: number }) =>
  fc.option(fc.integer({ min, max }), { nil: undefined });
const text = fc
  .string({ unit: 'grapheme', minLength: 1 })
  .filter((value) => value.trim() !== '' && !value.includes('\0'));
const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);

const soundPool = fc
  .record(
    {
      min: numberIn(poolOptions.min),
      max: numberIn(poolOptions.max),
      acquireTimeout: numberIn(poolOptions.acquireTimeout),
      idleTimeout: numberIn(poolOptions.idleTimeout),
      maxLifetime: numberIn(poolOptions.maxLifetime),
      maxWaiting: numberIn(poolOptions.maxWaiting),
      leakThreshold: numberIn(poolOptions.leakThreshold),
    },
    { requiredKeys: [] },
  )
  .filter(({ min = 0, max = 10 }) => min <= max);
const soundRest = {
  pool: soundPool,
  statementTimeout: numberIn(timeoutOptions.statementTimeout),
  lockTimeout: numberIn(timeoutOptions.lockTimeout),
  slowQueryThreshold: numberIn(timeoutOptions.slowQueryThreshold),
  debug: fc.option(fc.boolean(), { nil: undefined }),
};
const soundConfig = fc.oneof(
  fc.record({
    type: fc.constant('sqlite'),
    connection: fc.oneof(
      fc.record({ filename: name.map((file) => `./${file}`) }),
      fc.constant({ memory: true }),
    ),
    ...soundRest,
  }),
  fc.record({
    type: fc.constant('postgres'),
    connection: fc.record(
      { host: name, port: fc.integer({ min: 1, max: 65_535 }), user: text, database: text, password: text },
      { requiredKeys: [] },
    ),
    ...soundRest,
  }),
);

/** Shaped like a configuration, filled with anything. */
const almostConfig = fc.record(
  {
    type: fc.oneof(fc.constantFrom('sqlite', 'postgres'), fc.jsonValue()),
    url: fc.oneof(fc.webUrl(), fc.string(), fc.jsonValue()),
    connection: fc.oneof(
      fc.dictionary(
        fc.constantFrom('filename', 'memory', 'host', 'port', 'tls', 'tlsCa', '__proto__'),
        fc.jsonValue(),
      ),
      fc.jsonValue(),
    ),
    pool: fc.oneof(
      fc.dictionary(fc.constantFrom('min', 'max', 'constructor'), fc.jsonValue()),
      fc.jsonValue(),
    ),
    debug: fc.jsonValue(),
  },
  { requiredKeys: [] },
);
const almostUrl = fc
  .tuple(
    fc.constantFrom('sqlite:', 'file:', 'postgres:', 'postgres://', 'postgresql://', 'mysql://', ''),
    fc.string({ unit: fc.constantFrom(...Array.from('ab1:/@?#[]%.&=,\0\n é\ud800_proto')) }),
  )
  .map(([scheme, rest]) => scheme + rest);

describe('A parsed configuration', () => {
  it('is frozen all the way down', () => {
    for (const input of ['sqlite:app.db', 'postgres://u:p@localhost/db']) {
      const config = parseDatabaseConfig(input);
      for (const part of [config, config.connection, config.pool]) expect(part).to.be.frozen;
      expect(() => Object.assign(config.pool, { max: 99 })).to.throw(TypeError);
    }
  });

  it('is complete where nothing but the database is said', () => {
    expect(parseDatabaseConfig('sqlite:app.db')).to.deep.equal({
      type: 'sqlite',
      connection: {
        filename: 'app.db',
        memory: false,
        durability: 'full',
        workers: 0,
        loopBlockThreshold: 50,
      },
      pool: {
        min: 0,
        max: 10,
        acquireTimeout: 5_000,
        idleTimeout: 600_000,
        maxLifetime: 1_800_000,
        maxWaiting: 1_000,
        leakThreshold: 0,
      },
      statementTimeout: 30_000,
      lockTimeout: 10_000,
      slowQueryThreshold: 100,
      debug: false,
    });
  });

  it('does not change when the object that it came from does', () => {
    const input = { type: 'sqlite', connection: { filename: 'app.db' }, pool: { max: 3 } };
    const config = parseDatabaseConfig(input);
    input.connection.filename = 'other.db';
    input.pool.max = 4;
    expect(config.connection).to.include({ filename: 'app.db' });
    expect(config.pool.max).to.equal(3);
    expect(input).not.to.be.frozen;
  });

  it('is given back as it is, and a copy of it parses to an equal one', () => {
    fc.assert(
      fc.property(soundConfig, (input) => {
        const config = parseDatabaseConfig(input);
        expect(parseDatabaseConfig(config)).to.equal(config);
        expect(parseDatabaseConfig({ ...config })).to.deep.equal(config);
      }),
    );
  });

  it('can be altered by a copy', () => {
    const config = parseDatabaseConfig('postgres://u:p@localhost/db');
    const altered = parseDatabaseConfig({ ...config, debug: true, pool: { ...config.pool, max: 2 } });
    expect(altered).to.deep.equal({ ...config, debug: true, pool: { ...config.pool, max: 2 } });
  });

  it('is all that parsing gives, for any input: it throws ConfigurationError and nothing else', () => {
    const anything = fc.oneof(fc.jsonValue(), almostConfig, almostUrl, fc.anything());
    fc.assert(
      fc.property(anything, (input) => {
        try {
          expect(parseDatabaseConfig(input)).to.be.frozen;
        } catch (error) {
          expect(error).to.be.instanceOf(ConfigurationError);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('never comes from a URL of very many dots, which is a fault', () => {
    const deep = `${'a.'.repeat(20_000)}b`;
    expect(() => parseDatabaseConfig(`sqlite:x?${deep}c=1&${deep}d=1`)).to.throw(ConfigurationError);
  });
});

import { expect } from 'chai';
import * as fc from 'fast-check';
import { inspect } from 'node:util';
import { databaseConfigFromEnv } from '../../../src/core/config/from-env.ts';
import { parseDatabaseConfig } from '../../../src/core/config/parse-database-config.ts';
import { ConfigurationError } from '../../../src/core/foundation/errors/configuration-error.ts';
import { Secret } from '../../../src/core/foundation/secret.ts';
import { passwordOf } from '../../support/password-of.ts';

const password = 'hunter2-is-secret';

/** Everything that a log line, a debugger or a crash report might make of a value. */
function printEveryWay(value: unknown): string {
  const views = [
    String(value),
    JSON.stringify(value),
    inspect(value, { depth: 10, showHidden: true, getters: true }),
    inspect(value, { depth: 10, showHidden: true, customInspect: false }),
  ];
  if (value instanceof Error) views.push(String(value.stack), JSON.stringify(value.cause), value.message);
  return views.join('\n');
}

function outcomeOf(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}

describe('A configuration never prints a password', () => {
  const sound = {
    'a URL': `postgres://app:${password}@db.example.org/app`,
    'a secret URL': { url: new Secret(`postgres://app:${password}@db.example.org/app`) },
    'a query parameter': `postgres://app@db.example.org/app?connection.password=${password}`,
    'an object': { type: 'postgres', connection: { password } },
    'a wrapped secret': { type: 'postgres', connection: { password: new Secret(password) } },
    'a URL and an object': { url: 'postgres://app@db.example.org/app', connection: { password } },
  };
  for (const [origin, input] of Object.entries(sound)) {
    it(`that came from ${origin}, and still has it`, () => {
      const config = parseDatabaseConfig(input);
      expect(printEveryWay(config)).to.include('[redacted]').and.not.to.include(password);
      expect(passwordOf(config.connection)).to.equal(password);
    });
  }

  const faulty = {
    'a wrong scheme': `postgrs://app:${password}@host/db`,
    'an unsupported one': `mysql://app:${password}@host/db`,
    'a wrong port': `postgres://app:${password}@host:port/db`,
    'a wrong host': `postgres://app:${password}@ho st/db`,
    'a broken percent sign': `postgres://app:%${password}@host/db`,
    'no slashes': `postgres:app:${password}@host/db`,
    'a line break': `postgres://app:${password}@host/db\n`,
    'a / inside it': `postgres://app:1/${password}@host/db`,
    'a / inside it and no database': `postgres://app:1/${password}@host`,
    'a ? inside it': `postgres://app:1?${password}@host/db`,
    'a ? and = inside it': `postgres://app:1?${password}=2@host/db`,
    'a # inside it': `postgres://app:1#${password}@host/db`,
    'a : before it': `postgres://app:1:${password}@host:x/db`,
    'two hosts': `postgres://app:${password}@a,b/db`,
    'another password beside it': {
      url: `postgres://app:${password}@host/db`,
      connection: { password: `${password}2` },
    },
    'a number around it': { type: 'postgres', connection: { password: { value: password } } },
    'another fault beside it': { type: 'postgres', connection: { password }, pool: { max: 0 } },
  };
  for (const [fault, input] of Object.entries(faulty)) {
    it(`when the configuration has ${fault}`, () => {
      const error = outcomeOf(() => parseDatabaseConfig(input));
      expect(error).to.be.instanceOf(ConfigurationError);
      expect(printEveryWay(error)).not.to.include(password);
    });
  }

  it('when an environment variable has the fault', () => {
    const environments = [
      { DATABASE_URL: `postgres://app:${password}@host:x/db` },
      { DATABASE_URL: `mysql://app:${password}@host/db` },
      { DATABASE_TYPE: password },
      { DATABASE_URL_FILE: `postgres://app:${password}@host/db` },
      { DATABASE_PASSWORD_FILE: password, DATABASE_TYPE: 'postgres' },
      { DATABASE_PASSWORD: password, DATABASE_TYPE: 'postgres', DATABASE_PORT: 'x' },
      { DATABASE_PASSWORD: password, DATABASE_PASSWORD_FILE: '/run/secrets/other' },
    ];
    for (const env of environments) {
      const error = outcomeOf(() => databaseConfigFromEnv(env));
      expect(error).to.be.instanceOf(ConfigurationError);
      expect(printEveryWay(error)).not.to.include(password);
    }
  });

  it('of any characters, wherever in it the special ones stand', () => {
    const special = fc.array(
      fc.constantFrom('/', '?', '#', '@', ':', '%', '[', ']', '&', '=', '.', ' ', '1'),
    );
    fc.assert(
      fc.property(special, special, special, (before, after, host) => {
        const url = `postgres://app:${before.join('')}${password}${after.join('')}@${host.join('')}/db`;
        const outcome = outcomeOf(() => parseDatabaseConfig(url));
        expect(printEveryWay(outcome)).not.to.include(password);
      }),
      { numRuns: 2000 },
    );
  });

  it('and refuses one that went through JSON and lost it', () => {
    const config = parseDatabaseConfig({ type: 'postgres', connection: { password } });
    const copy = JSON.parse(JSON.stringify(config)) as unknown;
    expect(() => parseDatabaseConfig(copy)).to.throw(ConfigurationError, /connection\.password: is the mark/);
  });
});

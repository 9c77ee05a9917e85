import { expect } from 'chai';
import * as fc from 'fast-check';
import { parseDatabaseConfig } from '../../../src/core/config/parse-database-config.ts';
import type { PostgresConnection } from '../../../src/core/config/postgres-config.ts';
import { faultsOf } from '../../support/configuration-faults.ts';
import { passwordOf } from '../../support/password-of.ts';

function connectionOf(url: string): object {
  return parseDatabaseConfig(url).connection;
}

describe('A SQLite URL', () => {
  for (const [url, filename] of [
    ['sqlite:./app.db', './app.db'],
    ['sqlite:app.db', 'app.db'],
    ['sqlite:../data/app.db', '../data/app.db'],
    ['sqlite:/var/lib/app.db', '/var/lib/app.db'],
    ['sqlite:///var/lib/app.db', '/var/lib/app.db'],
    ['sqlite://./app.db', './app.db'],
    ['SQLite:app.db', 'app.db'],
    ['file:./app.db', './app.db'],
    ['file:///var/lib/app.db', '/var/lib/app.db'],
    ['file:///C:/data/app.db', 'C:/data/app.db'],
    ['sqlite:my%20app%3F%23%25.db', 'my app?#%.db'],
    ['sqlite:caf%C3%A9.db', 'café.db'],
    ['sqlite:my app.db', 'my app.db'],
  ] as const) {
    it(`${url} is the file ${filename}`, () => {
      expect(connectionOf(url)).to.include({ filename, memory: false });
    });
  }

  for (const url of ['sqlite::memory:', 'sqlite://:memory:', 'file::memory:']) {
    it(`${url} is a database in memory`, () => {
      expect(connectionOf(url)).to.include({ filename: ':memory:', memory: true });
    });
  }

  for (const [url, reason] of [
    ['sqlite:', /^connection\.filename: must be a string that is not blank/],
    ['sqlite:%20', /^connection\.filename: must be a string that is not blank/],
    ['sqlite:a%00b', /^connection\.filename: must hold no NUL/],
    ['sqlite:%E0%A4%A', /^url: holds a %/],
    ['sqlite://server/app.db', /^url: must name a file/],
    ['sqlite:undefined', /^connection\.filename: was made from a value that is not set/],
    ['sqlite:file:app.db', /^connection\.filename: must be a path/],
    ['sqlite:app.db#1', /^url: must hold no #/],
    [' sqlite:app.db', /^url: must hold no control character, and no space/],
    ['sqlite:app.db\n', /^url: must hold no control character/],
    ['app.db', /^url: must be a URL that begins with one of sqlite:, file:, postgres:, postgresql:/],
    ['', /^url: must be a URL/],
  ] as const) {
    it(`${JSON.stringify(url)} is refused`, () => {
      const faults = faultsOf(() => parseDatabaseConfig(url));
      expect(faults).to.have.lengthOf(1);
      expect(faults[0]).to.match(reason);
    });
  }

  it('takes back every file name that it was given percent-encoded', () => {
    const sound = /^(?!(file|sqlite):|undefined$|null$)(?=.*\S)\P{Cc}+$/isu;
    const names = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
      .filter((name) => sound.test(name) && name === name.trim());
    fc.assert(
      fc.property(names, (filename) => {
        const connection = connectionOf(`sqlite:${encodeURIComponent(filename)}`);
        expect(connection).to.include({ filename, memory: filename === ':memory:' });
      }),
    );
  });
});

describe('A Postgres URL', () => {
  it('says everything', () => {
    const url =
      'postgresql://app:pass@db.example.org:6543/shop?application_name=web&sslmode=require&channel_binding=require&require_auth=scram-sha-256&connect_timeout=3';
    const config = parseDatabaseConfig(url);
    const { password, ...connection } = config.connection as PostgresConnection;
    expect(passwordOf({ password })).to.equal('pass');
    expect(connection).to.include({
      host: 'db.example.org',
      port: 6543,
      database: 'shop',
      user: 'app',
      tls: 'verify',
      tlsCa: undefined,
      channelBinding: true,
      scram: 'required',
      applicationName: 'web',
    });
    expect(config.pool.acquireTimeout).to.equal(3000);
  });

  it('needs to say nothing', () => {
    expect(connectionOf('postgres://')).to.include({
      host: 'localhost',
      port: 5432,
      database: 'postgres',
      user: 'postgres',
      password: undefined,
      tls: 'insecure',
      tlsCa: undefined,
      channelBinding: false,
      scram: 'offered',
      applicationName: 'liminal-data',
      prepare: 'auto',
    });
  });

  it("takes the user's name for the database where none is given", () => {
    expect(connectionOf('postgres://app@localhost')).to.include({ user: 'app', database: 'app' });
    expect(connectionOf('postgres://app@localhost/')).to.include({ user: 'app', database: 'app' });
  });

  for (const [url, host] of [
    ['postgres://[::1]:5433/db', '::1'],
    ['postgres://[2001:db8::7]/db', '2001:db8::7'],
    ['postgres://app@/db?host=/run/postgresql', '/run/postgresql'],
    ['postgres:///db?host=/run/postgresql', '/run/postgresql'],
    ['postgres://%2Frun%2Fpostgresql/db', '/run/postgresql'],
    ['postgres://db_1.internal/db', 'db_1.internal'],
  ] as const) {
    it(`${url} is on the host ${host}`, () => {
      expect(connectionOf(url)).to.include({ host, database: 'db' });
    });
  }

  it('takes back every user, password and database that it was given percent-encoded', () => {
    const texts = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter((text) => !text.includes('\0') && text.trim() !== '');
    fc.assert(
      fc.property(texts, texts, texts, (user, password, database) => {
        const [u, p, d] = [user, password, database].map(encodeURIComponent);
        const connection = connectionOf(`postgres://${u}:${p}@localhost/${d}`) as PostgresConnection;
        expect(connection).to.include({ user, database });
        expect(passwordOf(connection)).to.equal(password);
      }),
    );
  });

  it('carries every other option by its dotted path', () => {
    const query =
      'pool.min=1&pool.max=20&statementTimeout=5000&lockTimeout=0&debug=true&connection.tls=verify';
    const config = parseDatabaseConfig(`postgres://localhost/db?${query}`);
    expect(config.pool).to.include({ min: 1, max: 20 });
    expect(config).to.include({ statementTimeout: 5000, lockTimeout: 0, debug: true });
    expect(config.connection).to.include({ tls: 'verify' });
  });

  for (const url of [
    'postgres://h:0/db',
    'postgres://h:65536/db',
    'postgres://h:54x/db',
    'postgres://::1/db',
    'postgres://[::1/db',
    'postgres://[1:2]/db',
    'postgres://a,b/db',
    'postgres://h/a/b',
    'postgres:h/db',
    'postgres:/db',
    'postgres://h/db?pool.max=1e2',
    'postgres://h/db?pool.max=',
    'postgres://h/db?pool=3',
    'postgres://h/db?debug=yes',
    'postgres://h/db?sslmode=prefer',
    'postgres://h/db?sslmode=allow',
    'postgres://h/db?sslmode=require&sslmode=disable',
    'postgres://h/db?channel_binding=',
    'postgres://h/db?channel_binding=always',
    'postgres://h/db?require_auth=md5',
    'postgres://h/db?channel_binding=require&channel_binding=disable',
    'postgres://h/db?channel_binding=require&connection.channelBinding=false',
    'postgres://h/db?connect_timeout=-1',
    'postgres://h/db?connect_timeout=0',
    'postgres://h/db?url=sqlite:app.db',
  ]) {
    it(`${url} is refused`, () => {
      expect(faultsOf(() => parseDatabaseConfig(url))).not.to.have.lengthOf(0);
    });
  }
});

import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { databaseConfigFromEnv } from '../../../src/core/config/from-env.ts';
import type { PostgresConnection } from '../../../src/core/config/postgres-config.ts';
import { faultsOf } from '../../support/configuration-faults.ts';
import { makeTempDirectory } from '../../support/temp-directory.ts';

describe('A secret', () => {
  const folder = makeTempDirectory('secrets');
  const write = (name: string, content: string): string => {
    const file = join(folder, name);
    writeFileSync(file, content);
    return file;
  };
  const passwordFrom = (content: string): string | undefined => {
    const env = { DATABASE_TYPE: 'postgres', DATABASE_PASSWORD_FILE: write('password', content) };
    return (databaseConfigFromEnv(env).connection as PostgresConnection).password?.reveal();
  };

  it('may come from a file', () => {
    expect(passwordFrom('pass')).to.equal('pass');
  });

  it('loses one newline at its end, and nothing else', () => {
    expect(passwordFrom('pass\n')).to.equal('pass');
    expect(passwordFrom('pass\r\n')).to.equal('pass');
    expect(passwordFrom(' pass \n\n')).to.equal(' pass \n');
  });

  it('may be the whole URL', () => {
    const config = databaseConfigFromEnv({
      DATABASE_URL_FILE: write('url', 'postgres://app:pass@db/shop\n'),
    });
    expect(config.connection).to.include({ host: 'db', database: 'shop', user: 'app' });
  });

  it('has a twin in the certificate authority, which is too long for a variable', () => {
    const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----';
    const env = { DATABASE_URL: 'postgres://db/shop', DATABASE_TLS_CA_FILE: write('ca.pem', `${pem}\n`) };
    expect(databaseConfigFromEnv(env).connection).to.include({ tls: 'verify', tlsCa: pem });
  });

  it('is a fault when both twins are set', () => {
    const env = { DATABASE_URL: 'sqlite:a.db', DATABASE_URL_FILE: write('url', 'sqlite:b.db') };
    expect(faultsOf(() => databaseConfigFromEnv(env))).to.deep.equal([
      'DATABASE_URL: is set, and so is DATABASE_URL_FILE; unset one of them',
    ]);
  });

  it('is a fault when its file cannot be read: the error names the variable and the path', () => {
    const missing = join(folder, 'missing');
    const env = { DATABASE_TYPE: 'postgres', DATABASE_PASSWORD_FILE: missing, DATABASE_TLS_CA_FILE: folder };
    expect(faultsOf(() => databaseConfigFromEnv(env))).to.have.members([
      `DATABASE_PASSWORD_FILE: the file ${missing} cannot be read (ENOENT)`,
      `DATABASE_TLS_CA_FILE: the file ${folder} cannot be read (EISDIR)`,
    ]);
  });

  it('is a fault when its file is empty', () => {
    const env = { DATABASE_TYPE: 'postgres', DATABASE_PASSWORD_FILE: write('empty', '\n') };
    expect(faultsOf(() => databaseConfigFromEnv(env))[0]).to.match(
      /^DATABASE_PASSWORD_FILE: is set but empty/,
    );
  });

  it('is reported by the name of its file variable when its content has a fault', () => {
    const env = { DATABASE_URL_FILE: write('url', 'nowhere') };
    expect(faultsOf(() => databaseConfigFromEnv(env))[0]).to.match(/^DATABASE_URL_FILE: must be a URL/);
  });
});

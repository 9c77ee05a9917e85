import { expect } from 'chai';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { databaseConfigFromEnv } from '../../../src/core/config/from-env.ts';
import { faultsOf } from '../../support/configuration-faults.ts';
import { makeTempDirectory } from '../../support/temp-directory.ts';
import { passwordOf } from '../../support/password-of.ts';

describe('A secret', () => {
  const folder = makeTempDirectory('secrets');
  const write = (name: string, content: string, mode = 0o600): string => {
    const file = join(folder, name);
    writeFileSync(file, content);
    chmodSync(file, mode);
    return file;
  };
  const passwordFrom = (content: string): string | undefined => {
    const env = { DATABASE_TYPE: 'postgres', DATABASE_PASSWORD_FILE: write('password', content) };
    return passwordOf(databaseConfigFromEnv(env).connection);
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

  it('is a fault when its file cannot be read: the error names the variable, and not the path, which may be the secret', () => {
    const missing = join(folder, 'missing');
    const env = { DATABASE_TYPE: 'postgres', DATABASE_PASSWORD_FILE: missing, DATABASE_TLS_CA_FILE: folder };
    expect(faultsOf(() => databaseConfigFromEnv(env))).to.have.members([
      `DATABASE_PASSWORD_FILE: the file that it names cannot be read (ENOENT)`,
      `DATABASE_TLS_CA_FILE: the file that it names cannot be read (EISDIR)`,
    ]);
  });

  it('is a fault when others may read its file, or its group may change it', function () {
    if (process.platform === 'win32') this.skip();
    for (const mode of [0o644, 0o604, 0o660, 0o602]) {
      const file = write(`open-${mode}`, 'pass', mode);
      for (const twin of ['DATABASE_PASSWORD_FILE', 'DATABASE_URL_FILE', 'DATABASE_URL_REPLICA_1_FILE']) {
        const [fault] = faultsOf(() => databaseConfigFromEnv({ DATABASE_TYPE: 'postgres', [twin]: file }));
        expect(fault).to.match(
          new RegExp(`^${twin}: the file .* is open to others .mode ${mode.toString(8)}`),
        );
        expect(fault).to.contain('chmod 400').and.not.contain('pass;');
      }
    }
  });

  it('and the certificate authority is no secret: anybody may read its file', () => {
    const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----';
    const env = { DATABASE_URL: 'postgres://db/shop', DATABASE_TLS_CA_FILE: write('open.pem', pem, 0o644) };
    expect(databaseConfigFromEnv(env).connection).to.include({ tlsCa: pem });
  });

  it('may be read by its group', () => {
    const env = { DATABASE_TYPE: 'postgres', DATABASE_PASSWORD_FILE: write('group', 'pass', 0o440) };
    expect(passwordOf(databaseConfigFromEnv(env).connection)).to.equal('pass');
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

import { expect } from 'chai';
import { parseDatabaseConfig } from '../../../src/core/config/parse-database-config.ts';
import { faultsOf } from '../../support/configuration-faults.ts';

describe('A database without an engine', () => {
  for (const type of ['mysql', 'mariadb', 'mssql', 'MySQL']) {
    it(`such as ${type} is not supported yet, and the error names what is`, () => {
      const name = type.toLowerCase();
      expect(faultsOf(() => parseDatabaseConfig({ type, connection: { host: 'h' } }))).to.deep.equal([
        `type: ${name} is not supported yet; use one of sqlite, postgres`,
      ]);
      expect(faultsOf(() => parseDatabaseConfig(`${type}://user:password@h/db`))).to.deep.equal([
        `url: ${name} is not supported yet; use one of sqlite:, file:, postgres:, postgresql:`,
      ]);
    });
  }

  it('is answered with the type that was probably meant', () => {
    expect(faultsOf(() => parseDatabaseConfig({ type: 'postgresql' }))).to.deep.equal([
      'type: must be one of sqlite, postgres; did you mean postgres?',
    ]);
  });

  for (const type of [5, null, {}, '', 'toString', '__proto__']) {
    it(`such as ${JSON.stringify(type)} is refused`, () => {
      expect(faultsOf(() => parseDatabaseConfig({ type }))).to.deep.equal([
        'type: must be one of sqlite, postgres',
      ]);
    });
  }
});

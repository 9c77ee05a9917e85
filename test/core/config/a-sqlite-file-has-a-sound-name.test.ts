import { expect } from 'chai';
import { parseDatabaseConfig } from '../../../src/core/config/parse-database-config.ts';
import { faultsOf } from '../../support/configuration-faults.ts';

function parse(connection: unknown) {
  return parseDatabaseConfig({ type: 'sqlite', connection }).connection;
}

describe('The connection of SQLite', () => {
  it('is a file or memory, said once', () => {
    const memory = { filename: ':memory:', memory: true };
    expect(parse({ filename: './app.db' })).to.include({ filename: './app.db', memory: false });
    expect(parse({ memory: true })).to.include(memory);
    expect(parse({ filename: ':memory:' })).to.include(memory);
    expect(parse(memory)).to.include(memory);
  });

  for (const [title, connection] of [
    ['nothing', {}],
    ['no connection', undefined],
    ['no memory', { memory: false }],
    ['a file and memory', { filename: 'app.db', memory: true }],
    ['memory and no memory', { filename: ':memory:', memory: false }],
    ['a blank name', { filename: ' \t' }],
    ['an empty name', { filename: '' }],
    ['white space before its name', { filename: ' :memory:' }],
    ['white space behind its name', { filename: 'app.db\n' }],
    ['a NUL', { filename: 'a\0b' }],
    ['half a surrogate pair', { filename: 'a\ud800' }],
    ['a number', { filename: 5 }],
    ['a URI of SQLite', { filename: 'file:app.db?mode=memory' }],
    ['a URL', { filename: 'sqlite:app.db' }],
    ['the text of a variable that is not set', { filename: 'undefined' }],
    ['a name of 4,097 bytes', { filename: 'é'.repeat(2048) + 'e' }],
  ] as const) {
    it(`is refused with ${title}`, () => {
      expect(faultsOf(() => parse(connection))).to.have.lengthOf(1);
    });
  }

  it('takes a name of 4,096 bytes', () => {
    const filename = 'é'.repeat(2048);
    expect(parse({ filename })).to.include({ filename, memory: false });
  });
});

import { expect } from 'chai';
import { ValidationError } from '../../../src/core/foundation/errors/validation-error.ts';
import { Repository } from '../../../src/core/repository/repository.ts';
import { defineTable } from '../../../src/core/repository/table-definition.ts';

function faultsOf(options: object): string[] {
  try {
    defineTable({
      table: 'things',
      key: 'id',
      columns: { id: 'uuid', n: 'integer', text: 'text?' },
      mapper: { fromRow: (row: object) => row, toRow: (row: object) => row },
      ...options,
    });
  } catch (error) {
    expect(error).to.be.instanceOf(ValidationError);
    return (error as ValidationError).issues.map(({ path }) => path.join('.'));
  }
  return [];
}

describe('a definition is checked once, with every fault at once', () => {
  it('and a sound one passes', () => {
    expect(faultsOf({ version: 'n', insertOnly: ['text'] })).to.deep.equal([]);
  });

  for (const [title, options, faults] of [
    ['an unknown key', { key: 'x' }, ['key']],
    ['no key', { key: [] }, ['key']],
    ['a key that may be NULL', { key: ['id', 'text'] }, ['key']],
    ['an unknown version', { version: 'x' }, ['version']],
    ['a version that is no integer', { version: 'id' }, ['version']],
    ['a version that is the key', { key: 'n', version: 'n' }, ['version']],
    ['an unknown column to keep', { insertOnly: ['x', 'y'] }, ['insertOnly', 'insertOnly']],
    [
      'what cannot grow',
      { insertOnly: ['n'], growing: ['n', 'text', 'x'] },
      ['growing', 'growing', 'growing'],
    ],
    ['kinds that there are not', { columns: { id: 'uuid', a: 'date', b: '?' } }, ['columns.a', 'columns.b']],
    ['a word of the filter language', { columns: { id: 'uuid', not: 'text' } }, ['columns.not']],
    ['unique columns that there are not', { unique: [['n', 'x'], []] }, ['unique', 'unique']],
    ['no table', { table: undefined }, ['table']],
    ['a mapper that is none', { mapper: { toRow: () => ({}) } }, ['mapper']],
    ['nothing that it may be', { table: 1, key: undefined, columns: null }, ['table', 'key', 'columns']],
    ['all of it', { key: 'x', version: 'y', columns: { id: 'uid' } }, ['columns.id', 'key', 'version']],
  ] as const) {
    it(`it refuses ${title}`, () => {
      expect(faultsOf(options)).to.deep.equal(faults);
    });
  }

  it('also where a repository is made of nothing', () => {
    const make = () => new Repository({ db: undefined, sql: undefined } as never, {} as never);
    expect(make).to.throw(ValidationError).with.property('issues').that.has.length(4);
    expect(() => new Repository(undefined as never, undefined as never)).to.throw(ValidationError);
  });
});

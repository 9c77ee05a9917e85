import { expect } from 'chai';
import { ValidationError } from '../../../src/core/foundation/errors/validation-error.ts';
import { defineTable } from '../../../src/core/repository/table-definition.ts';
import { defineEncryption, encrypted, RowCipher, sealedColumnsOf } from '../../../src/core/security/index.ts';
import { makeRing } from './patients.ts';

function faultsOf(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    if (error instanceof ValidationError) return error.issues.map(({ path }) => path.join('.'));
    throw error;
  }
  return [];
}

describe('an encryption is checked', () => {
  it('with every fault of its definition', () => {
    const faulty = () =>
      defineEncryption({
        table: '',
        key: [],
        row: ['id', 'id'],
        columns: { id: encrypted(), email: encrypted({ index: 'email' }) },
      });
    expect(faultsOf(faulty)).to.deep.equal(['table', 'key', 'row', 'columns', 'columns.id']);
    expect(faultsOf(() => defineEncryption({ table: 'a', key: 'id', columns: {} }))).to.deep.equal([
      'columns',
    ]);
  });

  it('and cannot be changed', () => {
    const made = defineEncryption({ table: 'a', key: 'id', columns: { secret: encrypted() } });
    for (const part of [made, made.key, made.row, made.columns, made.columns.secret]) {
      expect(part).to.satisfy(Object.isFrozen);
    }
  });

  const columns = {
    id: 'uuid',
    owner: 'text',
    secret: 'text?',
    secret_index: 'text?',
    moved: 'integer',
    version: 'integer',
  };
  const define = (
    sealed: { columns: string[]; boundTo: string[]; indexes?: Record<string, string> },
    more: object = {},
  ) =>
    faultsOf(() =>
      defineTable({
        table: 'a',
        key: 'id',
        columns,
        mapper: { fromRow: () => undefined, sealed },
        ...more,
      }),
    );

  it('against the table of its repository', () => {
    expect(define({ columns: ['secret'], boundTo: ['id'] })).to.deep.equal([]);
    expect(define({ columns: ['secret'], boundTo: ['owner'] }, { insertOnly: ['owner'] })).to.deep.equal([]);
    expect(define({ columns: ['secret'], boundTo: ['owner'] }, { key: 'owner' })).to.deep.equal([]);
    const fault = ['mapper.sealed'];
    expect(define({ columns: ['absent'], boundTo: ['id'] }), 'not declared').to.deep.equal(fault);
    expect(define({ columns: ['moved'], boundTo: ['id'] }), 'no text').to.deep.equal(fault);
    expect(define({ columns: ['owner'], boundTo: ['secret'] }), 'bound to NULL').to.deep.equal(fault);
    expect(define({ columns: ['secret'], boundTo: ['version'] }, { version: 'version' })).to.deep.equal(
      fault,
    );
    expect(define({ columns: ['secret'], boundTo: ['moved'] }, { growing: ['moved'] })).to.deep.equal(fault);
    expect(
      define({ columns: ['owner'], boundTo: ['id'] }, { key: 'owner', insertOnly: ['id'] }),
      'a key',
    ).to.deep.equal(fault);
    expect(define({ columns: ['secret'], boundTo: ['id'] }, { unique: [['secret']] })).to.deep.equal(fault);
  });

  it('so that nothing stays sealed for a place that it has left', () => {
    const fault = ['mapper.sealed'];
    expect(define({ columns: ['secret'], boundTo: ['owner'] })).to.deep.equal(fault);
    expect(define({ columns: ['secret'], boundTo: ['id', 'owner'] })).to.deep.equal(fault);
    const insertOnly = ['secret'];
    expect(define({ columns: ['secret'], boundTo: ['owner'] }, { insertOnly })).to.deep.equal(fault);
    expect(define({ columns: ['secret'], boundTo: ['id'] }, { insertOnly })).to.deep.equal([]);
  });

  it('and no blind index beside the ciphertext of another value', () => {
    const sealed = { columns: ['secret'], boundTo: ['id'], indexes: { secret: 'secret_index' } };
    for (const insertOnly of [['secret'], ['secret_index']]) {
      expect(define(sealed, { insertOnly })).to.deep.equal(['mapper.sealed']);
    }
    for (const insertOnly of [[], ['secret', 'secret_index']]) {
      expect(define(sealed, { insertOnly })).to.deep.equal([]);
    }
    const encryption = defineEncryption({
      table: 'a',
      key: 'id',
      columns: { secret: encrypted({ index: 'secret_index' }) },
    });
    expect(sealedColumnsOf(encryption)).to.deep.equal(sealed);
  });

  it('and a row is sealed once its place is known', () => {
    const cipher = new RowCipher(
      defineEncryption({ table: 'a', key: 'id', tenant: 'tenant', columns: { secret: encrypted() } }),
      makeRing('one'),
    );
    expect(cipher.seal({ secret: null })).to.deep.equal({ secret: null });
    expect(cipher.seal({ id: 1 })).to.deep.equal({ id: 1 });
    expect(() => cipher.equals('secret', 'a')).to.throw(ValidationError, 'no blind index');
  });
});

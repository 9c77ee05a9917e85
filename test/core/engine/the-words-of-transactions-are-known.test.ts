import { expect } from 'chai';
import fc from 'fast-check';
import { transactionControlOf } from '../../../src/core/engine/transaction-control.ts';

const words = {
  boundary: [
    'begin',
    'BEGIN IMMEDIATE',
    'begin; insert into a values (1)',
    'start transaction isolation level serializable',
    'commit',
    'commit and chain',
    'end',
    'end transaction',
    'abort',
    'rollback',
    'rollback work',
    'rollback transaction',
    'rollback and chain',
    'rollback; to a',
    "prepare transaction 'a'",
  ],
  undo: [
    'rollback to a',
    'rollback to savepoint a',
    'ROLLBACK TRANSACTION TO SAVEPOINT a',
    'rollback work to a',
    'rollback/**/to a',
    'rollback -- not\nto a',
  ],
  savepoint: ['savepoint a', 'Savepoint "a"', 'release a', 'release savepoint a'],
  none: [
    '',
    ';',
    '-- commit',
    '/* commit',
    'select 1',
    'insert into a values (1)',
    'update a set b = 1',
    'delete from a',
    'with a as (select 1) select 1',
    'set local a = 1',
    'set transaction read only',
    'prepare a as select 1',
    "commit prepared 'a'",
    "rollback prepared 'a'",
    'explain select 1',
    'beginning',
    'committed',
    'vacuum',
    'pragma user_version',
    "'commit'",
    '(commit)',
  ],
} as const;

const filler = fc
  .array(
    fc.constantFrom(
      ' ',
      '\n',
      '\t',
      '\r',
      ';',
      '-- a\n',
      '--commit\r\n',
      '\uFEFF',
      '/* a */',
      '/* a; b */',
      '/**/',
    ),
    { maxLength: 5 },
  )
  .map((parts) => parts.join(''));

describe('the words of transactions are known', () => {
  for (const [control, texts] of Object.entries(words)) {
    const expected = control === 'none' ? undefined : control;

    it(`${control}`, () => {
      for (const text of texts) expect(transactionControlOf(text), text).to.equal(expected);
    });

    it(`${control}, whatever stands before it`, () => {
      fc.assert(
        fc.property(filler, fc.constantFrom(...texts), (before, text) => {
          expect(transactionControlOf(before + text)).to.equal(expected);
        }),
      );
    });
  }

  it('behind a comment that one engine nests and the other does not', () => {
    expect(transactionControlOf('/* /* */ commit')).to.equal('boundary');
    expect(transactionControlOf('/* /* */ */ commit')).to.equal('boundary');
  });

  it('behind a comment that one engine ends with its line and the other does not', () => {
    expect(transactionControlOf('-- a\rcommit')).to.equal('boundary');
    expect(transactionControlOf('-- a\rselect 1\ncommit')).to.equal('boundary');
    expect(transactionControlOf('-- a\rsavepoint a\ncommit')).to.equal('boundary');
    // What one of them alone takes for an undoing must not end what a failure keeps from going on.
    expect(transactionControlOf('-- a\rrollback to a\nselect 1')).to.equal('savepoint');
    expect(transactionControlOf('-- a\rselect 1\nrollback to a')).to.equal('savepoint');
    expect(transactionControlOf('-- a\rselect 1')).to.equal(undefined);
  });

  it('however long what stands before them is', () => {
    const long = 500_000;
    for (const text of [
      ' '.repeat(long),
      '--\n'.repeat(long),
      '/**/'.repeat(long),
      `/*${'*'.repeat(long)}*/`,
    ]) {
      expect(transactionControlOf(`${text}commit`)).to.equal('boundary');
    }
    expect(transactionControlOf('/*'.repeat(long))).to.equal(undefined);
  });
});

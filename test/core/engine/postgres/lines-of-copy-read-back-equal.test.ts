import { expect } from 'chai';
import fc from 'fast-check';
import { readCopyLine, writeCopyLines } from '../../../../src/core/engine/postgres/copy-text.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('\\N', '\\', '\\\\N', '\t', '\n', '\r\n', '\\.', '\\t', '', '\b\f\v'),
);

describe('lines of COPY', () => {
  it('hold every text and NULL, each row in one line', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.option(text), { minLength: 1 })), (rows) => {
        const lines = writeCopyLines(rows, rows[0]?.map(() => 'text' as const) ?? []).split('\n');
        expect(lines.pop()).to.equal('');
        expect(lines.map(readCopyLine)).to.deep.equal(rows);
      }),
    );
  });

  it('hold numbers to the last bit, bytes and booleans', () => {
    const [line] = writeCopyLines(
      [[-0, 5e-324, 1n << 62n, Buffer.from([0, 255]), 1, 0]],
      ['real', 'real', 'integer', 'blob', 'boolean', 'boolean'],
    ).split('\n');
    expect(readCopyLine(line!)).to.deep.equal(['-0', '5e-324', '4611686018427387904', '\\x00ff', 't', 'f']);
  });
});

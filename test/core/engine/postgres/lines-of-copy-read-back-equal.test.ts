import { expect } from 'chai';
import fc from 'fast-check';
import { readCopyLine, writeCopyLines } from '../../../../src/core/engine/postgres/copy-text.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('\\N', '\\', '\\\\N', '\t', '\n', '\r\n', '\\.', '\\t', '', '\b\f\v'),
);

/** Each piece by way of UTF-8, as it is sent. */
function write(...args: Parameters<typeof writeCopyLines>): string[] {
  const pieces = [...writeCopyLines(...args)].map((piece) => Buffer.from(piece));
  return Buffer.concat(pieces).toString().split('\n');
}

describe('lines of COPY', () => {
  it('hold every text and NULL, each row in one line', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.option(text), { minLength: 1 })), (rows) => {
        const lines = write(rows, rows[0]?.map(() => 'text' as const) ?? []);
        expect(lines.pop()).to.equal('');
        expect(lines.map(readCopyLine)).to.deep.equal(rows);
      }),
    );
  });

  it('hold numbers to the last bit, bytes and booleans', () => {
    const [line] = write(
      [[-0, 5e-324, 1n << 62n, Buffer.from([0, 255]), 1, 0]],
      ['real', 'real', 'integer', 'blob', 'boolean', 'boolean'],
    );
    expect(readCopyLine(line!)).to.deep.equal(['-0', '5e-324', '4611686018427387904', '\\x00ff', 't', 'f']);
  });

  it('hold large values, in pieces that are small', () => {
    // At each place of a cut there may be a pair of surrogates, or a sign that has to be written as two.
    for (const shift of [0, 1]) {
      const body = 'x'.repeat(shift) + '\u{1F600}'.repeat(100_000) + '\t\\'.repeat(50_000);
      const bytes = Buffer.alloc(300_001, 0xa5);
      const kinds = ['text', 'blob', 'text'] as const;
      const rows = [
        [body, bytes, 'end'],
        [null, null, body],
      ];
      const lines = write(rows, kinds);
      expect(lines.pop()).to.equal('');
      const read = lines.map(readCopyLine);
      expect(read[0]?.[0] === body && read[1]?.[2] === body, 'the text').to.equal(true);
      expect(read[0]?.[1] === `\\x${bytes.toString('hex')}`, 'the bytes').to.equal(true);
      expect(read[0]?.[2]).to.equal('end');
      for (const piece of writeCopyLines(rows, kinds)) expect(piece.length).to.be.at.most(200_000);
    }
  });
});

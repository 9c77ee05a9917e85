// Security check: C2.
import { expect } from 'chai';
import * as fc from 'fast-check';
import { createDecipheriv, hkdfSync } from 'node:crypto';
import { DecryptionError, Secret, ValidationError } from '../../../src/core/index.ts';
import { encodePlace, type CipherPlace } from '../../../src/core/security/cipher-place.ts';
import { FieldCipher } from '../../../src/core/security/field-cipher.ts';
import { ringOf, sampleKey } from './ring-of-keys.ts';

const cipher = new FieldCipher(ringOf('a', 'b'));
const home: CipherPlace = { table: 'users', column: 'email', row: 'ann' };

const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 8 });
const place: fc.Arbitrary<CipherPlace> = fc.record(
  {
    table: name,
    column: name,
    row: fc.oneof(name, fc.array(name, { minLength: 1, maxLength: 3 })),
    tenant: fc.string({ unit: 'binary', maxLength: 4 }),
  },
  { requiredKeys: ['table', 'column', 'row'] },
);

/** The same for two places exactly where they are the same place. */
function identify({ table, column, row, tenant }: CipherPlace): string {
  return JSON.stringify([table, column, typeof row === 'string' ? [row] : row, tenant ?? null]);
}

describe('a sealed value', () => {
  it('opens to what was sealed, whatever the text and the place', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), place, (text, where) => {
        expect(cipher.open(cipher.seal(text, where), where).reveal()).to.equal(text);
        expect(cipher.open(cipher.seal(new Secret(text), where), where).reveal()).to.equal(text);
      }),
      { numRuns: 300 },
    );
  });

  it('is another text each time, and longer than its value by what the docs say', () => {
    const sealed = Array.from({ length: 1_000 }, () => cipher.seal('same', home));
    expect(new Set(sealed).size).to.equal(1_000);
    const added = cipher.seal('x'.repeat(3_000), home).length - 4_000;
    expect(added).to.be.within(50, 120);
    expect(sealed[0]).to.match(/^liminal:1:a:[\w-]{16}:[\w-]+$/);
  });

  it('of an earlier version of this code still opens', () => {
    const envelope = 'liminal:1:a:jJd_XnWf1l-Y9jBA:NrWe5cIVm13cFtLIgYkXLhd9_O0pJBE';
    expect(cipher.open(envelope, { ...home, row: ['ann', '1'], tenant: 'acme' }).reveal()).to.equal('grüße');
  });

  it('is made as documented: anybody can open it by the book who has the key', () => {
    const where = { table: 't', column: 'c', row: ['r', 's'], tenant: 'x' };
    const [mark, version, keyId, iv = '', body = ''] = cipher.seal('by the book', where).split(':');
    const master = Buffer.from(sampleKey('a').key.reveal(), 'base64');
    const key = Buffer.from(hkdfSync('sha256', master, '', 'liminal-data field 1', 32));
    const part = (text: string) => `${String.fromCharCode(0, 0, 0, text.length)}${text}`;
    const count = (length: number) => String.fromCharCode(0, 0, 0, length);
    const header = `${mark}:${version}:${keyId}:${iv}:`;
    const data =
      part(header) + part('t') + part('c') + count(1) + part('x') + count(2) + part('r') + part('s');
    const bytes = Buffer.from(body, 'base64url');
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64url'));
    decipher.setAAD(Buffer.from(data, 'latin1')).setAuthTag(bytes.subarray(-16));
    const text = decipher.update(bytes.subarray(0, -16), undefined, 'utf8') + decipher.final('utf8');
    expect(text).to.equal('by the book');
  });

  it('opens nowhere else: each of all tables, columns, rows and tenants with each other', () => {
    const axis = ['a', 'b', 'ab', ''];
    const named = axis.slice(0, 3);
    const rows: readonly (string | string[])[] = [
      ...named,
      ['a', 'b'],
      ['b', 'a'],
      ['ab', 'a'],
      ['a', 'b', 'a'],
    ];
    const places = named.flatMap((table) =>
      named.flatMap((column) =>
        rows.flatMap((row) =>
          [undefined, ...axis].map((tenant) => ({
            table,
            column,
            row,
            ...(tenant === undefined ? {} : { tenant }),
          })),
        ),
      ),
    );
    const sealed = places.map((where) => cipher.seal('v', where));
    let opened = 0;
    sealed.forEach((envelope, from) => {
      places.forEach((where, to) => {
        try {
          cipher.open(envelope, where);
          opened += 1;
          expect(to).to.equal(from);
        } catch (error) {
          if (!(error instanceof DecryptionError)) throw error;
        }
      });
    });
    expect(places).to.have.lengthOf(315);
    expect(opened).to.equal(places.length);
  }).timeout(60_000);

  it('and two places never give the same bytes to be authenticated', () => {
    fc.assert(
      fc.property(place, place, (one, other) => {
        const isSame = encodePlace('h', one).equals(encodePlace('h', other));
        expect(isSame).to.equal(identify(one) === identify(other));
      }),
      { numRuns: 5_000 },
    );
    // What concatenation would confuse: parts that move over a border.
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', 'b', 'ab', '\0', '\0\0\0\x01a'), { minLength: 3, maxLength: 6 }),
        (parts) => {
          const [table = '', column = '', ...row] = parts;
          const joined = {
            table: table + column,
            column: row[0] ?? '',
            row: row.length > 1 ? row.slice(1) : row,
          };
          const [tenant, ...rest] = row;
          const spread = [
            { table, column, row },
            joined,
            { table, column, row: row.join('') },
            ...(rest.length > 0 ? [{ table, column, row: rest, tenant: tenant ?? '' }] : []),
          ];
          for (const one of spread) {
            for (const other of spread) {
              const isSame = encodePlace('h', one).equals(encodePlace('h', other));
              expect(isSame).to.equal(identify(one) === identify(other));
            }
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('has a place that is named: every part that is missing or no text is told at once', () => {
    const bad = { table: '', column: 'a\ud800', row: ['', '\udc00'] };
    for (const call of [() => cipher.seal('v', bad), () => cipher.open('x', bad)]) {
      expect(call).to.throw(ValidationError).with.property('issues').with.lengthOf(4);
    }
    expect(() => cipher.seal('v', { ...home, row: [] })).to.throw(ValidationError, /place\.row/);
    expect(() => cipher.seal('half \ud800', home)).to.throw(ValidationError, /lone surrogates/);
  });

  it('is known by its key without being opened', () => {
    expect(cipher.keyIdOf(cipher.seal('v', home))).to.equal('a');
    expect(new FieldCipher(ringOf('z')).keyIdOf(cipher.seal('v', home))).to.equal('a');
    for (const text of ['', 'plain', 'liminal:1:a:b:c', 'liminal:2:a::'])
      expect(cipher.keyIdOf(text)).to.equal(undefined);
  });

  it('costs little', () => {
    const text = 'x'.repeat(100);
    const start = performance.now();
    const count = 5_000;
    for (let round = 0; round < count; round += 1) cipher.open(cipher.seal(text, home), home);
    const rate = Math.round((count / (performance.now() - start)) * 1_000);
    console.log(
      `      figure: ${rate.toLocaleString('en')} times sealed and opened a second, 100 bytes each`,
    );
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { decodeAnswer, encodeAnswer } from '../../../../src/core/cache/answer-codec.ts';
import { closePayload, openPayload } from '../../../../src/core/cache/redis/payload-seal.ts';
import { defineTable } from '../../../../src/core/repository/table-definition.ts';
import { FieldCipher, generateKey, KeyRing } from '../../../../src/core/security/index.ts';
import { soakCount } from '../../../support/engines.ts';

const definition = defineTable({
  table: 'things',
  key: 'id',
  columns: {
    id: 'uuid',
    name: 'text?',
    __proto__x: 'json?',
    size: 'integer?',
    weight: 'real?',
    rows: 'blob?',
  },
  mapper: { fromRow: () => ({}) },
});
const life = { whole: 60_000, stale: 5 };

const orNull = <Value>(values: fc.Arbitrary<Value>) => fc.option(values, { nil: null });
const row = fc.record({
  id: fc.uuid(),
  name: orNull(
    fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.constant('\ud800')),
  ),
  __proto__x: orNull(fc.json()),
  size: orNull(
    fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }), fc.constant(-0)),
  ),
  weight: orNull(fc.oneof(fc.double(), fc.constantFrom(-0, NaN, Infinity, -Infinity))),
  rows: orNull(fc.uint8Array().map((bytes) => Buffer.from(bytes))),
});
const cursor = fc.option(fc.string(), { nil: undefined });
const answer = fc.oneof(
  row,
  fc.constant(undefined),
  fc.array(row, { maxLength: 5 }),
  fc.record({ rows: fc.array(row, { maxLength: 5 }), nextCursor: cursor, previousCursor: cursor }),
  fc.nat(),
  fc.boolean(),
);

describe('an answer comes back from a shared store as it went', () => {
  it('whatever its columns hold', () => {
    fc.assert(
      fc.property(answer, (raw) => {
        const text = encodeAnswer(raw, life, definition);
        expect(decodeAnswer(text!, definition)).to.deep.equal({ raw, life });
      }),
      { numRuns: soakCount(2_000) },
    );
  });

  it('or is not kept, where its kind does not come back', () => {
    const good = { id: crypto.randomUUID(), name: null, size: 1, weight: 1, rows: null };
    for (const fault of [{ size: '1' }, { name: 1 }, { name: new Date() }, { rows: 'x' }, { other: 1 }]) {
      expect(encodeAnswer({ ...good, ...fault }, life, definition), Object.keys(fault)[0]).to.equal(
        undefined,
      );
      expect(encodeAnswer([good, { ...good, ...fault }], life, definition)).to.equal(undefined);
    }
    expect(encodeAnswer('text', life, definition)).to.equal(undefined);
  });

  it('and any other text is none', () => {
    const id = crypto.randomUUID();
    const faults = [
      '',
      'null',
      '[',
      '{"__proto__":{"a":1}}',
      '[1,1,2,"none"]',
      '[1,-1,0,"none"]',
      '[2,1,0,"none"]',
      '[1,1e300,0,"none"]',
      '[1,1,0,"none",1]',
      '[1,1,0,"value","1"]',
      '[1,1,0,"other",[],[]]',
      `[1,1,0,"row",["id"],[["${id}"],["${id}"]]]`,
      `[1,1,0,"rows",["id"],[["${id}",1]]]`,
      `[1,1,0,"rows",["id"],[{"length":1,"0":"${id}"}]]`,
      '[1,1,0,"rows",["__proto__"],[["a"]]]',
      '[1,1,0,"rows",["constructor"],[["a"]]]',
      `[1,1,0,"rows",["id","id"],[["${id}","${id}"]]]`,
      '[1,1,0,"rows",["id"],[[{"__proto__":1}]]]',
      '[1,1,0,"rows",["id"],[[null]]]',
      '[1,1,0,"rows",["size"],[["1"]]]',
      '[1,1,0,"rows",["size"],[[["i","1e5"]]]]',
      '[1,1,0,"page",[],[],null]',
      '[1,1,0,"page",[],[],1,null]',
      `[1,1,0,"rows",["id"],[[${'['.repeat(100_000)}${']'.repeat(100_000)}]]]`,
      `${'['.repeat(400_000)}`,
    ];
    for (const text of faults) {
      expect(decodeAnswer(text, definition), text.slice(0, 60)).to.equal(undefined);
    }
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), fc.string(), (text, other) => {
        expect(() => decodeAnswer(text, definition)).to.not.throw();
        expect(() => decodeAnswer(`[1,1,0,${JSON.stringify(other)},${text}]`, definition)).to.not.throw();
      }),
      { numRuns: soakCount(2_000) },
    );
    expect(({} as Record<string, unknown>)['a']).to.equal(undefined);
  });

  it('in its own place alone, damaged nowhere, sealed or not', () => {
    const place = { table: 'things', column: 'cache', row: ['key', 'incarnation', '0 5', '7'] };
    for (const seal of [undefined, new FieldCipher(KeyRing.of([generateKey()]))]) {
      const payload = closePayload('["text"]', place, seal);
      expect(openPayload(payload, place, seal)).to.equal('["text"]');
      for (const at of place.row.keys()) {
        const other = { ...place, row: place.row.with(at, 'x') };
        expect(openPayload(payload, other, seal)).to.equal(undefined);
      }
      for (let at = 0; at < payload.length; at += 1) {
        const damaged = `${payload.slice(0, at)}\ufffd${payload.slice(at + 1)}`;
        expect(openPayload(damaged, place, seal), `${at}`).to.equal(undefined);
      }
    }
    const sealed = new FieldCipher(KeyRing.of([generateKey()]));
    expect(openPayload(closePayload('x', place, undefined), place, sealed), 'not sealed').to.equal(undefined);
  });
});

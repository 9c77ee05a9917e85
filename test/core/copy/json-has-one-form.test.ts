import { expect } from 'chai';
import fc from 'fast-check';
import { canonicalJson } from '../../../src/core/copy/canonical-json.ts';

describe('JSON has one form', () => {
  it('whatever the order of members, and however it is written', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(canonicalJson(JSON.stringify(turned(value), undefined, 1))).to.equal(canonicalJson(text));
        expect(canonicalJson(canonicalJson(text))).to.equal(canonicalJson(text));
      }),
    );
  });

  it('in which numbers keep every digit', () => {
    const same = [
      ['1', '1.0', '1e0', '10e-1', '0.1E+1'],
      ['0', '-0', '0.00', '0e9'],
      ['-1500', '-1.5e3', '-15e2'],
      ['12345678901234567890'],
      ['12345678901234567891', '1234567890123456789.1e1'],
      ['1e400'],
      ['1e401'],
      ['0.1'],
    ];
    const forms = same.map((texts) => new Set(texts.map((text) => canonicalJson(`[${text}]`))));
    for (const [index, form] of forms.entries()) expect([...form], same[index]!.join()).to.have.length(1);
    expect(new Set(forms.map((form) => [...form][0]))).to.have.length(same.length);
    expect(canonicalJson('-1.50e3')).to.equal('-15e2');
  });

  it('in which the last member of a name counts, as for jsonb', () => {
    expect(canonicalJson('{"a":1,"a":2}')).to.equal(canonicalJson('{"a":2}'));
    expect(canonicalJson('{"__proto__":1}')).not.to.equal(canonicalJson('{}'));
  });
});

/** The same with its members the other way round. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return (value as unknown[]).map(turned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, turned(member)]),
  );
}

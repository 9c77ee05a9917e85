import { expect } from 'chai';
import fc from 'fast-check';
import { changePreference, createPreference } from '../../../src/chat/account/preference.ts';
import type { UserId } from '../../../src/chat/ids.ts';
import { newId, ValidationError } from '../../../src/core/domain/index.ts';

const make = (value: unknown, name = 'theme') =>
  createPreference({ userId: newId<UserId>(), name, value }, { now: 1000 });

const nested = (depth: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
};

describe('a preference holds any JSON value', () => {
  it('takes what JSON can say, as a copy', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        fc.pre(!JSON.stringify(value).includes('\\u0000'));
        expect(make(value).value).to.deep.equal(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('is frozen all through and not tied to the value that came in', () => {
    const value = { panes: [{ width: 1 }] };
    const preference = make(value);
    value.panes[0] = { width: 2 };
    expect(preference.value).to.deep.equal({ panes: [{ width: 1 }] });
    expect(() => ((preference.value as typeof value).panes[0] = { width: 3 })).to.throw(TypeError);
  });

  it('changes as a copy that keeps the version that was read', () => {
    const preference = make('dark');
    const changed = changePreference(preference, 'light', { now: 2000 });
    expect(changed).to.deep.include({ value: 'light', updatedAt: 2000, version: 1 }).and.be.frozen;
    expect(preference.value).to.equal('dark');
  });

  it('takes 64 KiB and 100 levels, and no more', () => {
    expect(make('x'.repeat(64 * 1024 - 2)).value).to.be.a('string');
    expect(make(nested(100)).value).to.be.an('array');
    expect(() => make('x'.repeat(64 * 1024 - 1))).to.throw(ValidationError, '64 KiB');
    expect(() => make(nested(101))).to.throw(ValidationError, '100');
    expect(() => make(nested(20_000))).to.throw(ValidationError);
  });

  for (const [what, value] of Object.entries({
    undefined,
    'a function': () => 1,
    NaN: Number.NaN,
    NUL: 'a\0b',
    'a lone surrogate': { name: '\ud800' },
    'a date': new Date(0),
    'a bigint': 1n,
  })) {
    it(`refuses ${what}`, () => {
      expect(() => make(value)).to.throw(ValidationError, /^value/);
    });
  }

  it('has a name of letters, digits and . _ - alone', () => {
    expect(make(1, 'editor.fontSize_2-a').name).to.equal('editor.fontSize_2-a');
    for (const name of ['', 'a b', 'größe', 'a'.repeat(65), 'a\n']) {
      expect(() => make(1, name)).to.throw(ValidationError, /^name/);
    }
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { EmailAddress } from '../../../src/chat/account/email-address.ts';
import { ValidationError } from '../../../src/core/domain/index.ts';
import { cpuTimeOf } from '../../support/cpu-time.ts';

describe('an e-mail address has one form', () => {
  for (const [input, form] of [
    ['ada@example.com', 'ada@example.com'],
    ['  Ada.Lovelace+maths@Example.COM\n', 'ada.lovelace+maths@example.com'],
    ["o'brien@mail.example.co.uk", "o'brien@mail.example.co.uk"],
    ['JOSE\u0301@example.com', 'jos\u00e9@example.com'],
    ['info@b\u00fccher.example', 'info@b\u00fccher.example'],
  ] as const) {
    it(`takes ${JSON.stringify(input)} as ${form}`, () => {
      expect(EmailAddress.parse(input)).to.equal(form);
      expect(EmailAddress.is(form)).to.equal(true);
    });
  }

  for (const input of [
    '',
    'ada',
    '@example.com',
    'ada@',
    'ada@localhost',
    'ada@example.',
    'ada@.example',
    'ada@exa mple.com',
    'ada lovelace@example.com',
    'ada@b@example.com',
    'Ada <ada@example.com>',
    'ada@-example.com',
    'ada\0@example.com',
    'ada\ud800@example.com',
    `${'a'.repeat(243)}@example.com`,
    42,
    null,
  ]) {
    it(`refuses ${JSON.stringify(input).slice(0, 40)}`, () => {
      expect(() => EmailAddress.parse(input)).to.throw(ValidationError);
    });
  }

  it('takes 254 characters and no more', () => {
    const longest = `${'a'.repeat(242)}@example.com`;
    expect(EmailAddress.parse(longest)).to.have.lengthOf(254);
  });

  it('never repeats the address in its message', () => {
    expect(() => EmailAddress.parse('secret person@example.com')).to.throw(ValidationError, /^(?!.*secret)/);
  });

  it('has a form that parses to itself', () => {
    fc.assert(
      fc.property(fc.tuple(fc.string({ unit: 'grapheme', minLength: 1 }), fc.domain()), ([name, host]) => {
        let form: EmailAddress;
        try {
          form = EmailAddress.parse(`${name}@${host}`);
        } catch (error) {
          fc.pre(!(error instanceof ValidationError));
          throw error;
        }
        expect(EmailAddress.parse(form)).to.equal(form);
      }),
    );
  });

  it('is quick to refuse a hostile one', () => {
    const refuseAll = () => {
      for (const input of ['a@'.repeat(500_000), `a@${'a.'.repeat(500_000)}`, `a@${'-'.repeat(1_000_000)}`]) {
        expect(() => EmailAddress.parse(input)).to.throw(ValidationError);
      }
    };
    expect(cpuTimeOf(refuseAll)).to.be.below(1000);
  });
});

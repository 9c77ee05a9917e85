// Security check: C3.
import { expect } from 'chai';
import { ConfigurationError, KeyExhaustedError, silentLogger } from '../../../src/core/index.ts';
import { FieldCipher, type FieldCipherOptions } from '../../../src/core/security/index.ts';
import { watchedLogger } from '../../support/secrets/watched-logger.ts';
import { ringOf } from './ring-of-keys.ts';

const place = { table: 't', column: 'c', row: 'r' };

function sealAll(options: FieldCipherOptions, count: number, ring = ringOf('a', 'b')) {
  const warnings: unknown[] = [];
  const logger = watchedLogger({ ...silentLogger, warn: (fields: unknown) => warnings.push(fields) });
  const cipher = new FieldCipher(ring, { ...options, logger });
  const sealed: string[] = [];
  let failure: unknown;
  try {
    for (let round = 0; round < count; round += 1) sealed.push(cipher.seal('v', place));
  } catch (error) {
    failure = error;
  }
  return { cipher, sealed, failure, warnings };
}

describe('a key is used up in time', () => {
  it('at 2^31 values; what is sealed still opens', () => {
    const { cipher, sealed, failure } = sealAll({ sealedBefore: { a: 2 ** 31 - 3 } }, 10);
    expect(sealed).to.have.lengthOf(3);
    expect(failure).to.be.instanceOf(KeyExhaustedError).with.property('keyId', 'a');
    expect((failure as Error).message)
      .to.contain('2147483648')
      .and.contain('keys generate');
    for (const envelope of sealed) expect(cipher.open(envelope, place).reveal()).to.equal('v');
  });

  it('with one warning at 2^30', () => {
    expect(sealAll({ sealedBefore: { a: 2 ** 30 - 3 } }, 2).warnings).to.deep.equal([]);
    const { warnings, failure } = sealAll({ sealedBefore: { a: 2 ** 30 - 3 } }, 10);
    expect(warnings).to.deep.equal([{ keyId: 'a', sealed: 2 ** 30, limit: 2 ** 31 }]);
    expect(failure).to.equal(undefined);
  });

  it('or earlier, where several processes share it', () => {
    const { sealed, failure, warnings } = sealAll({ sealLimit: 4 }, 10);
    expect(sealed).to.have.lengthOf(4);
    expect(failure).to.be.instanceOf(KeyExhaustedError);
    expect(warnings).to.have.lengthOf(1);
  });

  it('counted over every cipher of the ring and of the rings that come of it', () => {
    const ring = ringOf('a', 'b');
    sealAll({}, 3, ring);
    expect(sealAll({ sealLimit: 5 }, 10, ring.withActive('b').withActive('a')).sealed).to.have.lengthOf(2);
    expect(sealAll({ sealLimit: 5 }, 10, ring.withActive('b')).sealed).to.have.lengthOf(5);
  });

  it('and no option goes beyond it', () => {
    for (const options of [
      { sealLimit: 2 ** 31 + 1 },
      { sealLimit: 0 },
      { sealLimit: Number.NaN },
      { sealWarning: 1.5 },
      { sealedBefore: { a: -1 } },
    ]) {
      expect(() => new FieldCipher(ringOf('a'), options)).to.throw(
        ConfigurationError,
        Object.keys(options)[0] ?? '',
      );
    }
  });
});

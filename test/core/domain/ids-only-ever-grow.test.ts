import { expect } from 'chai';
import fc from 'fast-check';
import { ValidationError, createUuidSource, defineId } from '../../../src/core/domain/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';

describe('ids', () => {
  it('of one source only ever grow, within a millisecond and when the clock goes back', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -5, max: 5 }), { maxLength: 50 }), (jumps) => {
        const clock = new FakeClock();
        const newUuid = createUuidSource(clock);
        let last = newUuid();
        for (const jump of jumps) {
          clock.jumpTo(clock.now() + jump);
          const next = newUuid();
          expect(next > last).to.equal(true);
          last = next;
        }
      }),
    );
  });

  it('do not repeat when more than 4,096 are made in a millisecond', () => {
    const newUuid = createUuidSource(new FakeClock());
    const ids = Array.from({ length: 20_000 }, newUuid);
    expect([...ids].sort()).to.deep.equal(ids);
    expect(new Set(ids).size).to.equal(ids.length);
  });

  it('share no random bits, however many are made', () => {
    const ids = Array.from({ length: 1_000 }, createUuidSource(new FakeClock()));
    expect(new Set(ids.map((id) => id.slice(19))).size).to.equal(ids.length);
  });

  it('are UUIDs of version 7 that hold the time', () => {
    const clock = new FakeClock(0x0123456789ab);
    const id = createUuidSource(clock)();
    expect(id).to.match(/^01234567-89ab-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('are taken in any case and kept in lower case', () => {
    const ThingId = defineId('ThingId');
    expect(ThingId.parse('018F0000-0000-7000-8000-00000000000A')).to.equal(
      '018f0000-0000-7000-8000-00000000000a',
    );
    expect(ThingId.is('018F0000-0000-7000-8000-00000000000A')).to.equal(false);
    expect(() => ThingId.parse('018f0000')).to.throw(ValidationError, 'ThingId must be a UUID');
    expect(() => ThingId.parse(7)).to.throw(ValidationError);
  });
});

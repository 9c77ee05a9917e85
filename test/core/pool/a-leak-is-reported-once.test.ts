import { expect } from 'chai';
import fc from 'fast-check';
import { spawnSync } from 'node:child_process';
import type { PoolEvent } from '../../../src/core/foundation/pool-event.ts';
import { LeaseLedger, type Holding } from '../../../src/core/pool/lease-ledger.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const line = {};

function makeLedger(leakThreshold: number) {
  const clock = new FakeClock();
  const events: PoolEvent[] = [];
  const warnings: string[] = [];
  const ignore = () => undefined;
  const logger = {
    debug: ignore,
    info: ignore,
    error: ignore,
    warn: (_: object, text: string) => warnings.push(text),
  };
  const ledger = new LeaseLedger({
    leakThreshold,
    clock,
    logger,
    onPoolEvent: (event) => events.push(event),
  });
  return { clock, ledger, events, warnings };
}

describe('a connection that is held for too long', () => {
  it('is reported once, when the threshold passes, with the place that took it', () => {
    const { clock, ledger, events, warnings } = makeLedger(100);
    function takeAndForget(): void {
      ledger.lend(line);
    }
    takeAndForget();
    clock.advance(99);
    expect(events).to.deep.equal([]);
    clock.advance(1);
    clock.advance(1_000);
    expect(events).to.have.lengthOf(1);
    expect(events[0]).to.include({ type: 'leak', heldFor: 100 });
    expect(events[0])
      .to.have.property('stack')
      .that.matches(/^ +at takeAndForget /);
    expect(warnings).to.have.lengthOf(1);
  });

  it('is named in the state of the pool, as long as it is held', () => {
    const { clock, ledger } = makeLedger(100);
    expect(ledger.stats()).to.deep.equal({ longestHold: 0 });
    const first = ledger.lend(line);
    clock.advance(5);
    const second = ledger.lend(line);
    clock.advance(5);
    expect(ledger.stats()).to.include({ longestHold: 10 }).and.to.have.property('longestHoldStack');
    ledger.takeBack(first);
    expect(ledger.stats()).to.include({ longestHold: 5 });
    ledger.takeBack(first);
    ledger.takeBack(second);
    expect(ledger.stats()).to.deep.equal({ longestHold: 0 });
    expect(clock.pending).to.equal(0);
  });

  it('is not looked for where the threshold is 0: no stack is taken, no timer runs', () => {
    const { clock, ledger, events } = makeLedger(0);
    ledger.lend(line);
    expect(clock.pending).to.equal(0);
    clock.advance(1_000_000);
    expect(events).to.deep.equal([]);
    expect(ledger.stats()).to.deep.equal({ longestHold: 1_000_000 });
  });

  it('is always found, and nobody else is accused', () => {
    const step = fc.oneof(
      fc.constant({ kind: 'lend' as const }),
      fc.record({ kind: fc.constant('back' as const), pick: fc.nat() }),
      fc.record({ kind: fc.constant('wait' as const), duration: fc.integer({ min: 1, max: 150 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const { clock, ledger, events } = makeLedger(100);
        const held: { holding: Holding; since: number; isLeak: boolean }[] = [];
        let leaks = 0;
        for (const action of steps) {
          if (action.kind === 'lend') {
            held.push({ holding: ledger.lend(line), since: clock.monotonic(), isLeak: false });
          } else if (action.kind === 'back' && held.length > 0) {
            const [given] = held.splice(action.pick % held.length, 1);
            ledger.takeBack(given!.holding);
          } else if (action.kind === 'wait') {
            clock.advance(action.duration);
            for (const one of held) {
              if (one.isLeak || clock.monotonic() - one.since < 100) continue;
              one.isLeak = true;
              leaks += 1;
            }
          }
          expect(events).to.have.lengthOf(leaks);
          expect(clock.pending).to.equal(held.some(({ isLeak }) => !isLeak) ? 1 : clock.pending);
          if (held.length === 0) expect(clock.pending).to.equal(0);
        }
      }),
    );
  });

  it('keeps no process alive', () => {
    const source = (path: string) =>
      JSON.stringify(new URL(`../../../src/core/${path}`, import.meta.url).href);
    const program = `
      import { LeaseLedger } from ${source('pool/lease-ledger.ts')};
      import { systemClock } from ${source('foundation/clock.ts')};
      const quiet = () => {};
      const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };
      new LeaseLedger({ leakThreshold: 60_000, clock: systemClock, logger, onPoolEvent: quiet }).lend({});`;
    const { status, signal } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      timeout: 20_000,
    });
    expect({ status, signal }).to.deep.equal({ status: 0, signal: null });
  });
});

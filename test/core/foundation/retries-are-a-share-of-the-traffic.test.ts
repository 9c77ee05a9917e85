import { expect } from 'chai';
import fc from 'fast-check';
import { RetryBudget } from '../../../src/core/foundation/retry-budget.ts';

describe('retries are a share of the traffic', () => {
  it('and never more than that, the start and what can be saved up', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.integer({ min: 0, max: 19 }).map((dice) => dice > 0),
          { maxLength: 400 },
        ),
        fc.integer({ min: 0, max: 5 }),
        fc.integer({ min: 5, max: 8 }),
        (steps, initial, capacity) => {
          const budget = new RetryBudget({ initial, perCall: 0.25, capacity });
          let tokens = initial;
          for (const isCall of steps) {
            if (isCall) {
              budget.earn();
              tokens = Math.min(capacity, tokens + 0.25);
            } else {
              expect(budget.spend()).to.equal(tokens >= 1);
              if (tokens >= 1) tokens -= 1;
            }
          }
        },
      ),
    );
  });

  it('and a long time without failures saves up no more than the capacity', () => {
    const budget = new RetryBudget({ initial: 2, perCall: 0.5, capacity: 3 });
    for (let call = 0; call < 1_000; call += 1) budget.earn();
    expect(Array.from({ length: 4 }, () => budget.spend())).to.deep.equal([true, true, true, false]);
  });
});

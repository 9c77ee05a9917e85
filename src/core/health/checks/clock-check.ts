import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { Clock } from '../../foundation/clock.ts';
import type { Budget } from '../budget.ts';
import type { HealthCheck } from '../health-check.ts';

/** What the look at the clocks needs. */
export interface ClockCheckOptions {
  readonly budget: Budget;
  readonly clock: Clock;
  /** The wall clock of the server, in ms since the Unix epoch. */
  readonly serverTime: () => RawBuilder<number>;
}

/**
 * Looks at how far the clock of the server is from this machine's, in ms. The answer was on its way meanwhile, so that
 * it is only known up to half of its round trip, which counts in favour.
 */
export function clockCheck(db: object, { budget, clock, serverTime }: ClockCheckOptions): HealthCheck {
  return {
    name: 'clock',
    async run() {
      const start = clock.monotonic();
      const { rows } = await sql<{ now: number }>`select ${serverTime()} as now`.execute(
        db as Kysely<unknown>,
      );
      const half = (clock.monotonic() - start) / 2;
      const distance = Math.abs(Number(rows[0]?.now) - (clock.now() - half));
      const value = Math.max(0, Math.round(distance - half));
      return { message: `The clocks of server and program are ${value} ms apart.`, value, budget };
    },
  };
}

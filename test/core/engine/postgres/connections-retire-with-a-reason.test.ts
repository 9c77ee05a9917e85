import { expect } from 'chai';
import { sql } from 'kysely';
import type { DatabaseProvider, PoolEvent } from '../../../../src/core/index.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { until } from '../../../support/until.ts';
import { describeOnPostgres, type PostgresHarness, type Tables } from './postgres-harness.ts';

describeOnPostgres('connections retire with a reason', (postgres) => {
  it('idle ones above the least that is kept', async () => {
    const { provider, clock, events } = await openWithEvents(postgres, {
      pool: { min: 1, max: 4, idleTimeout: 60_000 },
    });
    await provider.query('select 1');
    await holdAll(provider, 4);
    clock.advance(60_001);
    await until(() => provider.stats().size === 1);
    expect(reasonsOf(events)).to.deep.equal(['idle', 'idle', 'idle']);
  });

  it('old ones within a tenth of their lifetime, and not all at once', async () => {
    const { provider, clock, events } = await openWithEvents(postgres, {
      pool: { max: 8, idleTimeout: 0, maxLifetime: 100_000 },
    });
    await holdAll(provider, 8);
    clock.advance(89_000);
    expect(provider.stats()).to.include({ size: 8 });
    const sizes = new Set<number>();
    for (let step = 0; step < 22; step += 1) {
      clock.advance(1_000);
      sizes.add(provider.stats().size);
    }
    expect(provider.stats()).to.include({ size: 0 });
    expect(sizes.size).to.be.greaterThan(2);
    expect(new Set(reasonsOf(events))).to.deep.equal(new Set(['lifetime']));
  });

  it('never while they are lent', async () => {
    const { provider, clock, events } = await openWithEvents(postgres, {
      pool: { max: 1, maxLifetime: 1_000 },
    });
    await provider.db.connection().execute(async (db) => {
      await sql`select 1`.execute(db);
      clock.advance(10_000);
      expect((await sql`select 1 as one`.execute(db)).rows).to.deep.equal([{ one: 1 }]);
      expect(events).to.deep.equal([{ type: 'created' }]);
    });
    expect(reasonsOf(events)).to.deep.equal(['lifetime']);
  });

  it('lost ones, and the least is open again without anybody asking', async () => {
    const url = await postgres.freshUrl();
    const { provider, events } = await openWithEvents(postgres, { url, pool: { min: 2, max: 4 } });
    await provider.query('select 1');
    await until(() => provider.stats().size === 2 && provider.stats().busy === 0);
    await postgres.killSessions(url);
    await until(() => provider.stats().created === 4 && provider.stats().busy === 0);
    expect(reasonsOf(events)).to.deep.equal(['lost', 'lost']);
    expect(provider.stats()).to.include({ size: 2, idle: 2 });
  });

  it('unclean ones', async () => {
    const { provider, events } = await openWithEvents(postgres, { pool: { max: 1 } });
    await provider.db.connection().execute(async (db) => {
      await sql`begin`.execute(db);
    });
    expect(reasonsOf(events)).to.deep.equal(['unclean']);
  });

  it('all of them at close', async () => {
    const { provider, events } = await openWithEvents(postgres, { pool: { max: 2 } });
    await holdAll(provider, 2);
    await provider.close();
    expect(reasonsOf(events)).to.deep.equal(['closed', 'closed']);
    expect(provider.stats()).to.include({ state: 'closed', size: 0, created: 2, retired: 2 });
  });

  it('one that has rested for long is asked before it is lent, and replaced where it is gone', async () => {
    const url = await postgres.freshUrl();
    const { provider, clock, events } = await openWithEvents(postgres, { url, pool: { max: 1 } });
    await provider.query('select 1');
    clock.advance(31_000);
    expect(await provider.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
    expect(events).to.deep.equal([{ type: 'created' }]);
  });
});

async function openWithEvents(postgres: PostgresHarness, settings: object) {
  const clock = new FakeClock();
  const events: PoolEvent[] = [];
  const provider = await postgres.open(settings, { clock, onPoolEvent: (event) => events.push(event) });
  return { provider, clock, events };
}

/** Holds so many connections at once, and gives them back. */
async function holdAll(provider: DatabaseProvider<Tables>, count: number): Promise<void> {
  const everybody = Promise.withResolvers<void>();
  let inside = 0;
  const hold = () =>
    provider.transaction(async () => {
      inside += 1;
      if (inside === count) everybody.resolve();
      await everybody.promise;
    });
  await Promise.all(Array.from({ length: count }, hold));
}

function reasonsOf(events: readonly PoolEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'retired' ? [event.reason] : []));
}

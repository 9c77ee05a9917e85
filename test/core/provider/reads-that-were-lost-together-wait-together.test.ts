import { expect } from 'chai';
import { DatabaseProviderFactory, type StatementEvent } from '../../../src/core/index.ts';
import { describeOnPostgres } from '../engine/postgres/postgres-harness.ts';
import { until } from '../../support/until.ts';

describeOnPostgres('reads that were lost together wait together', (postgres) => {
  it('one asks whether the database is back, and the others wait for its answer', async () => {
    const url = await postgres.freshUrl();
    const statements: StatementEvent[] = [];
    await using provider = DatabaseProviderFactory.createProvider<unknown>(
      { url, pool: { max: 8 } },
      { onStatement: (event) => statements.push(event) },
    );
    const reads = Array.from({ length: 8 }, (_, place) =>
      provider.query<{ place: number }>('select ?::integer as place, pg_sleep(0.5) is null as slept', [
        place,
      ]),
    );
    await until(async () => (await postgres.countSessions(url, 'active')) === 8);
    await postgres.killSessions(url);
    const rows = await Promise.all(reads);
    expect(rows.map(([row]) => row?.place)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7]);
    const looks = statements.filter((event) => event.sql === 'select 1');
    expect(looks.length).to.be.within(1, 3);
  });
});

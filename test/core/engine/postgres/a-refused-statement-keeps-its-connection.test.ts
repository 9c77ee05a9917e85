/** Errors that look as if the connection were lost, or leave the protocol in the midst of something. */
import { expect } from 'chai';
import { sql } from 'kysely';
import { translatePostgresError } from '../../../../src/core/engine/postgres/postgres-errors.ts';
import { ConnectionError, QueryError, type DatabaseProvider } from '../../../../src/core/index.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { until } from '../../../support/until.ts';
import { describeOnPostgres, type PostgresHarness, type Tables } from './postgres-harness.ts';

describeOnPostgres('a refused statement keeps its connection', (postgres) => {
  for (const code of ['08001', '08006', '57P01', '28000']) {
    it(`${code} by a server that goes on, as of a foreign table, is no loss of this connection`, async () => {
      const { url, provider } = await openOne(postgres);
      await provider.exec(
        `create function refuse() returns trigger language plpgsql
         as $$ begin raise exception 'out of reach' using errcode = '${code}'; end $$`,
      );
      await provider.exec('create trigger refuse before insert on items execute function refuse()');
      for (let time = 0; time < 5; time += 1) {
        const error = await rejectionOf(provider.exec(`insert into items values (1, 'a')`));
        expect(error).to.be.instanceOf(QueryError).and.include({ driverCode: code, retryable: false });
      }
      expect(provider.stats()).to.include({ size: 1, created: 1, retired: 0 });
      expect(await postgres.countSessions(url)).to.equal(1);
    });
  }

  // What is sent along with it would be taken for its data: then the server ends the connection.
  it('COPY that waits for data is refused at once, alone, in a transaction and in a batch', async () => {
    const { provider } = await openOne(postgres);
    const copy = sql`copy items from stdin`;
    const ways: Record<string, () => Promise<unknown>> = {
      alone: () => provider.exec('copy items from stdin'),
      'the first of a transaction': () => provider.transaction((tx) => copy.execute(tx)),
      'later in a transaction': () =>
        provider.transaction(async (tx) => {
          await sql`select 1`.execute(tx);
          await copy.execute(tx);
        }),
      'in a batch': () => provider.batch([copy.compile(provider.db)]),
    };
    for (const [way, run] of Object.entries(ways)) {
      // It may wait for longer than this test may take.
      await rejectionOf(run());
      for (let value = 0; value < 3; value += 1) {
        expect(await provider.query(`select ${value} as value`), way).to.deep.equal([{ value }]);
      }
    }
  });

  it('a connection that is given up is closed here too, and not only by the server', async () => {
    const { url, provider } = await openOne(postgres);
    await postgres.killSessions(url);
    await until(() => provider.stats().size === 0);
    await until(async () => (await postgres.countSessions(url)) === 0);
  });
});

describe('08P01 [postgres]', () => {
  const error = Object.assign(new Error('server conn crashed?'), { code: '08P01', severity: 'FATAL' });

  it('is a ConnectionError where the connection ended with it, as a pooler in between does', () => {
    expect(translatePostgresError(error, { goesOn: false })).to.be.instanceOf(ConnectionError);
  });

  it('is a QueryError where the server goes on: a message did not fit', () => {
    expect(translatePostgresError(error, { goesOn: true })).to.be.instanceOf(QueryError);
  });
});

/** A provider of one connection. */
async function openOne(
  postgres: PostgresHarness,
): Promise<{ url: string; provider: DatabaseProvider<Tables> }> {
  const url = await postgres.freshUrl();
  const provider = await postgres.openWithItems({ url, pool: { max: 1 }, statementTimeout: 60_000 });
  return { url, provider };
}

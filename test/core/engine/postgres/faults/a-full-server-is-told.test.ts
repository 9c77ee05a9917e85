/** SQLSTATE 53300: the server has no place left for a connection. */
import { expect } from 'chai';
import { ConnectionError } from '../../../../../src/core/index.ts';
import { PostgresCluster } from '../../../../support/postgres-cluster.ts';
import { describeOnPostgres } from '../postgres-harness.ts';
import { expectAtRest, timeToFullCapacity, type TokenProvider } from './fault-harness.ts';
import { createTokens } from './token-load.ts';

describeOnPostgres('a full server is told', (postgres) => {
  let cluster: PostgresCluster;
  before(async function () {
    this.timeout(60_000);
    cluster = await PostgresCluster.start({ max_connections: '8', superuser_reserved_connections: '0' });
  });
  after(() => cluster.remove());

  it('callers hear the reason and not a time-out, and are served once there is room', async function () {
    this.timeout(60_000);
    const first = await postgres.open({ url: cluster.url, pool: { max: 6 } });
    const second = (await postgres.open({
      url: cluster.url,
      pool: { max: 6, acquireTimeout: 30_000 },
    })) as unknown as TokenProvider;
    await createTokens(second);
    await timeToFullCapacity(first as unknown as TokenProvider);
    // Whoever is served keeps the place until somebody was turned away: else they could all be served in turn.
    const refused = Promise.withResolvers<void>();
    const call = async (): Promise<void> => {
      try {
        await second.transaction(async (tx) => {
          await tx.selectFrom('tokens').selectAll().execute();
          await refused.promise;
        });
      } catch (error) {
        refused.resolve();
        throw error;
      }
    };
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, call));
    const failures = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(failures).not.to.deep.equal([]);
    for (const { reason } of failures) {
      expect(reason).to.be.instanceOf(ConnectionError).and.to.include({ retryable: true });
      expect((reason as ConnectionError).message)
        .to.contain('53300')
        .and.contain('pool.max');
    }
    await first.close();
    await timeToFullCapacity(second);
    await expectAtRest(second);
  });
});

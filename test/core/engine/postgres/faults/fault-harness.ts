/** Providers behind a proxy, and what every fault has to leave behind. */
import { expect } from 'chai';
import type { DatabaseProvider } from '../../../../../src/core/index.ts';
import { TcpProxy } from '../../../../support/tcp-proxy.ts';
import { until } from '../../../../support/until.ts';
import type { PostgresHarness } from '../postgres-harness.ts';
import { judgeTokens, tokenStatements, type LoadReport, type TokenTables } from './token-load.ts';

export type TokenProvider = DatabaseProvider<TokenTables>;

export interface ProxiedDatabase {
  readonly proxy: TcpProxy;
  readonly provider: TokenProvider;
  /** The database without the proxy. */
  readonly url: string;
}

/** Opens the suite's own database, with an empty table `tokens`, behind a proxy that closes after each test. */
export function proxiesOf(
  postgres: PostgresHarness,
): (settings?: object, options?: object) => Promise<ProxiedDatabase> {
  const proxies: TcpProxy[] = [];
  let url = '';
  before(async () => {
    url = await postgres.freshUrl();
  });
  afterEach(() => Promise.all(proxies.splice(0).map((proxy) => proxy.close())));
  return async (settings = {}, options = {}) => {
    const proxy = await TcpProxy.listen(url);
    proxies.push(proxy);
    const opened = await postgres.open({ url: proxy.urlOf(url), ...settings }, options);
    // Beside the provider, whose limits may be too short for a busy machine.
    for (const statement of tokenStatements) await postgres.askServer(url, statement);
    return { proxy, provider: opened as unknown as TokenProvider, url };
  };
}

/** Prints a measured figure. A test asserts with room for a busy machine; the figure says how it really was. */
export function printFigure(text: string): void {
  console.log(`figure: ${text}`);
}

/** Waits until the pool is at rest, and holds that nothing is left of those who used it. */
export async function expectAtRest(provider: TokenProvider): Promise<void> {
  await until(() => provider.stats().busy === 0);
  expect(provider.stats()).to.include({ busy: 0, waiting: 0 });
}

/**
 * Measures how long it takes until the pool gives as many connections as it may have, all at once: each
 * caller holds one until all have one.
 *
 * @returns in ms, for a figure; on a busy machine the time says nothing. Fails where it takes half a minute
 */
export async function timeToFullCapacity(provider: TokenProvider): Promise<number> {
  const { max } = provider.stats();
  const start = performance.now();
  await until(() => holdAll(provider, max));
  return performance.now() - start;
}

async function holdAll(provider: TokenProvider, count: number): Promise<boolean> {
  let present = 0;
  const allThere = Promise.withResolvers<void>();
  const outcomes = await Promise.allSettled(
    Array.from({ length: count }, () =>
      provider
        .transaction(async (tx) => {
          await tx.selectFrom('tokens').select('token').limit(1).execute();
          present += 1;
          if (present === count) allThere.resolve();
          await allThere.promise;
        })
        .catch((error: unknown) => {
          allThere.resolve();
          throw error;
        }),
    ),
  );
  return present === count && outcomes.every(({ status }) => status === 'fulfilled');
}

/** Holds that no call was answered wrongly, and that the table has what was acknowledged, once. */
export function expectSound(report: LoadReport, stored: readonly { token: string }[]): void {
  expect(report.wrong, 'wrong answers').to.deep.equal([]);
  expect(report.strange, 'errors outside of the tree').to.deep.equal([]);
  const tokens = stored.map(({ token }) => token);
  expect(judgeTokens(tokens, report.acknowledged)).to.deep.equal({ lost: [], doubled: [] });
}

/** The codes of errors and how often they came, for a figure. */
export function describeFailures(failures: ReadonlyMap<string, number>): string {
  const parts = [...failures].map(([code, count]) => `${code.replace('LIMINAL_', '')} ${count}`);
  return parts.length === 0 ? 'none' : parts.join(', ');
}

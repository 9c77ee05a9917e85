/** The PostgreSQL server of a test run: one cluster that all tests share, each in a database of its own. */
import { PostgresCluster } from './postgres-cluster.ts';

interface EmbeddedPostgres {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

export async function startEmbeddedPostgres(): Promise<EmbeddedPostgres> {
  const cluster = await PostgresCluster.start();
  return { url: cluster.url, stop: () => cluster.remove() };
}

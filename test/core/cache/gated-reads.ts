/** Stops what a repository has read, so that a test decides what happens before it hears of it. */
import type { DatabaseProvider, RepositoryProvider } from '../../../src/core/index.ts';
import type { CachedTables } from './cached-fixture.ts';

export interface GatedReads {
  readonly provider: RepositoryProvider<CachedTables>;
  /** How many reads were sent. */
  sent: number;
  /** Stops all that has been read from now on, until it is called. */
  readonly close: () => () => void;
  /** Lets the next reads fail. */
  failure: Error | undefined;
}

export function gateReads(provider: DatabaseProvider<CachedTables>): GatedReads {
  let gate: Promise<void> | undefined;
  const { db, sql, shared, direct } = provider;
  const gated: GatedReads = {
    sent: 0,
    failure: undefined,
    provider: {
      db,
      sql,
      shared,
      direct: {
        ...direct!,
        async execute(query, options) {
          gated.sent += 1;
          if (gated.failure !== undefined) throw gated.failure;
          const waited = gate;
          const result = await direct!.execute(query, options);
          await waited;
          return result;
        },
      },
    },
    close() {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return () => {
        gate = undefined;
        resolve();
      };
    },
  };
  return gated;
}

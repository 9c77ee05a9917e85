import type { KyselyPlugin } from 'kysely';

/** Counts the statements that are built, so that a test can hold that none was. */
export class StatementCounter {
  count = 0;
  readonly plugin: KyselyPlugin = {
    transformQuery: ({ node }) => {
      this.count += 1;
      return node;
    },
    transformResult: ({ result }) => Promise.resolve(result),
  };
}

import type { SqlVocabulary } from '../engine/sql-vocabulary.ts';
import type { StatementTarget } from '../query/statement-target.ts';
import type { ReadObserver } from './read-observer.ts';
import type { WriteObserver } from './write-observer.ts';

/** The part of a provider that a repository needs; `DatabaseProvider` fits. */
export interface RepositoryProvider<DB> extends StatementTarget<DB> {
  /** What is said differently in the engine's SQL. */
  readonly sql: SqlVocabulary;
  /** Takes part in what its repositories write, such as an audit trail. Absent where nobody does. */
  readonly writes?: WriteObserver | undefined;
  /** Takes part in what its repositories read, such as a cache. Absent where nobody does. */
  readonly reads?: ReadObserver | undefined;
}

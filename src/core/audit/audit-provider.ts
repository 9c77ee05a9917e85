import type { MigrationTraits } from '../engine/migration-traits.ts';
import type { SqlVocabulary } from '../engine/sql-vocabulary.ts';
import type { TransactionOptions } from '../provider/transaction-options.ts';

/** The part of a provider that the audit trail needs, whatever its tables are; `DatabaseProvider` fits. */
export interface AuditProvider {
  /** The root handle. */
  readonly db: object;
  /** What is said differently in the engine's SQL. */
  readonly sql: SqlVocabulary;
  /** Reads which rows the database itself changes where others are deleted; absent where nobody can tell. */
  readonly migrations?: Pick<MigrationTraits, 'readForeignKeys'>;
  /** Runs work in one transaction. */
  transaction<Result>(
    work: (tx: object) => Promise<Result>,
    options?: Pick<TransactionOptions, 'isolation' | 'readOnly' | 'retry' | 'signal'>,
  ): Promise<Result>;
}

// The runtime check comes first: an old Node must hear of it before a driver crashes in it.
export { assertNodeVersion } from './foundation/runtime.ts';

// Configuration
export type { DatabaseConfig, PoolConfig } from './config/database-config.ts';
export type { DatabaseConfigInput } from './config/database-config-input.ts';
export type { EngineConfig } from './config/engine-config.ts';
export { ConfigSection } from './config/config-section.ts';
export { parseDatabaseConfig } from './config/parse-database-config.ts';
export { databaseConfigFromEnv } from './config/from-env.ts';
export { defineConfig, type EncryptionConfig, type LiminalConfig } from './migrate/define-config.ts';

// Factory and provider
export {
  DatabaseProviderFactory,
  type ProviderOptions,
  type RestoreBackupOptions,
} from './provider/database-provider-factory.ts';
export { DatabaseProvider, type InitializeHook, type ProviderParts } from './provider/database-provider.ts';
export type { CloseOptions, InitializeOptions } from './provider/lifecycle-options.ts';
export type { TransactionOptions } from './provider/transaction-options.ts';
export type { RetryEvent, RetryOptions } from './provider/transaction-retry.ts';
export { outside } from './provider/transaction-context.ts';
export { afterCommitOf, type AfterCommit, type AfterRollback } from './provider/transaction-hooks.ts';
export { closeOnSignal, type Closable, type CloseOnSignalOptions } from './provider/close-on-signal.ts';
export type {
  BackupOptions,
  BackupProgress,
  BackupReport,
  CopyOptions,
  RestoreOptions,
  RestoreReport,
} from './engine/backup.ts';
export type { HealthReport } from './provider/health.ts';

// Prepared queries and batches
export {
  prepare,
  type ExecuteOptions,
  type Param,
  type PreparableQuery,
  type PreparedQuery,
  type StreamQueryOptions,
} from './query/prepared-query.ts';
export type { StatementTarget } from './query/statement-target.ts';
export type { BatchMember, BatchResults } from './query/batch.ts';

// Repositories
export type { Cursor, Page } from './domain/page.ts';
export { Repository, type UpsertOptions } from './repository/repository.ts';
export { ReadRepository } from './repository/read-repository.ts';
export type { RepositoryProvider } from './repository/repository-provider.ts';
export type { RepositoryOptions } from './repository/table-definition.ts';
export type {
  DefaultKey,
  FindOptions,
  FirstOptions,
  KeyValue,
  PageOptions,
  RepositoryCallOptions,
  SelectOption,
  StreamOptions,
} from './repository/read-options.ts';
export { decodeJson, encodeJson } from './query/json-text.ts';
export { readColumn, type RowMapper, type SealedColumns } from './repository/row-mapper.ts';
export type { ColumnDeclaration, ColumnDeclarations, ColumnName } from './query/column.ts';
export type { Filter, ValueFilter } from './query/filter.ts';
export type { Operators } from './query/operators.ts';
export type { JsonFilter, PathFilter } from './query/json-filter.ts';
export type { OrderBy, OrderTerm } from './query/order.ts';

// Units of work
export {
  UnitOfWork,
  type Propagation,
  type UnitOfWorkOptions,
  type UnitOptions,
} from './transaction/unit-of-work.ts';
export { UnitScope, type Make, type Unit, type UnitParts } from './transaction/unit.ts';
export type { ExplicitUnit, NestedUnitOptions, UnitEnding } from './transaction/explicit-unit.ts';
export type { RepositoryMakers, ServiceMakers } from './transaction/unit-factory.ts';
export type { TransactionalProvider } from './transaction/transactional-provider.ts';

// Sagas
export {
  defineSaga,
  uncheckedInput,
  type AnySaga,
  type Saga,
  type SagaDefinition,
  type SagaResults,
} from './transaction/saga/define-saga.ts';
export type { SagaContext } from './transaction/saga/saga-context.ts';
export type { PlannedStep } from './transaction/saga/saga-plan.ts';
export type { SagaRetry, SagaStep } from './transaction/saga/saga-step.ts';
export { SagaRunner, type ResumedSagas } from './transaction/saga/saga-runner.ts';
export type { RunSagaOptions, SagaRunnerOptions } from './transaction/saga/saga-runner-options.ts';
export type { SagaEvent, SagaEventType, SagaListener } from './transaction/saga/saga-event.ts';
export { SagaRecords, type ListSagasOptions } from './transaction/saga/saga-records.ts';
export type {
  SagaDetails,
  SagaStepDetails,
  SagaStepError,
  SagaStuck,
  SagaSummary,
} from './transaction/saga/saga-record.ts';
export type {
  SagaDirection,
  SagaProvider,
  SagaStatus,
  SagaStepState,
} from './transaction/saga/saga-tables.ts';
export { sagaMigrations } from '../../migrations/saga/index.ts';

// Engines: the contract, and the parts to build one from
export type { Engine, EngineContext, OpenEngine } from './engine/engine.ts';
export type { DirectExecutor } from './engine/direct-executor.ts';
export type { NotificationListener, Subscription } from './engine/notifications.ts';
export type { ColumnHelpers, TableHelpers } from './engine/column-helpers.ts';
export type { MigrationTraits } from './engine/migration-traits.ts';
export type { MigrationLock, MigrationLockHolder, MigrationLockOptions } from './engine/migration-lock.ts';
export type { SchemaGuard, SchemaMode } from './engine/schema-guard.ts';
export type {
  ColumnKind,
  JsonPathSegment,
  NameLocks,
  SqlLexicalRules,
  SqlVocabulary,
} from './engine/sql-vocabulary.ts';
export type { Lease } from './engine/lease.ts';
export { LeasingDriver, type LeaseSource } from './engine/leasing-driver.ts';
export type { TranslateError } from './engine/translate-error.ts';
export { TranslatingDialect } from './engine/translating-dialect.ts';
export { checkParameter } from './engine/parameters.ts';
export { LeaseLedger, type Holding, type LeaseLedgerOptions } from './pool/lease-ledger.ts';
export { Semaphore, type SemaphoreOptions, type SemaphoreStats } from './pool/semaphore.ts';
export type { ExaminationFinding } from './engine/examination.ts';
export type { HealthStatus } from './foundation/health-status.ts';
export type { PoolLeak, PoolStats } from './foundation/pool-stats.ts';
export type { DurationSpread } from './foundation/duration-buckets.ts';
export type {
  EngineGauges,
  LoopGauges,
  ReplicaGauges,
  SessionGauges,
  WalGauges,
  WorkerGauges,
} from './engine/engine-gauges.ts';
export type { StatementEvent, StatementListener, StatementRecorder } from './foundation/statement-event.ts';
export type { PoolEvent, PoolListener, RetirementReason } from './foundation/pool-event.ts';

// On whose behalf code runs
export { currentActor, runAs, type Actor } from './foundation/actor-context.ts';

// Time, logs and secrets from outside
export { systemClock, type Clock } from './foundation/clock.ts';
export { silentLogger, type Logger } from './foundation/logger.ts';
export { Secret } from './foundation/secret.ts';
export {
  readSecret,
  type LateSecret,
  type ReadSecretOptions,
  type SecretFunction,
  type SecretSource,
} from './foundation/secret-source.ts';

// Errors
export {
  LiminalDataError,
  isLiminalDataError,
  type ErrorDescription,
} from './foundation/errors/liminal-data-error.ts';
export type { Issue } from './foundation/issue.ts';
export { ConfigurationError } from './foundation/errors/configuration-error.ts';
export { ValidationError } from './foundation/errors/validation-error.ts';
export {
  CommitOutcomeUnknownError,
  ConnectionError,
  NestedAcquireError,
  PoolClosedError,
  PoolTimeoutError,
} from './foundation/errors/connection-errors.ts';
export {
  CheckViolationError,
  ConstraintViolationError,
  ForeignKeyViolationError,
  NotNullViolationError,
  UniqueViolationError,
  type ConstraintFields,
} from './foundation/errors/constraint-errors.ts';
export { NotFoundError, StaleEntityError, UnreadableRowError } from './foundation/errors/entity-errors.ts';
export {
  ColumnsOutOfStepError,
  IntegrityDriftError,
  MigrationError,
} from './foundation/errors/migration-errors.ts';
export {
  IdempotencyMismatchError,
  LeaseLostError,
  SagaFailedError,
  SagaInterruptedError,
  SagaStepTimeoutError,
  type FailedSagaStatus,
  type SagaFailure,
} from './foundation/errors/saga-errors.ts';
export {
  DecryptionError,
  ExpiredTokenError,
  ForbiddenError,
  InvalidTokenError,
  KeyExhaustedError,
  KeyInUseError,
  UnknownKeyError,
} from './foundation/errors/security-errors.ts';
export { AuditTamperedError, LegalHoldError } from './foundation/errors/audit-errors.ts';
export { CacheLoadTimeoutError } from './foundation/errors/cache-errors.ts';
export {
  BadRowsError,
  CopyDiffersError,
  CopyRefusedError,
  type BadRowCount,
} from './foundation/errors/copy-errors.ts';
export { DeliveryAbortedError } from './foundation/errors/outbox-errors.ts';
export { KeySetUnavailableError } from './foundation/errors/key-set-error.ts';
export {
  CorruptDatabaseError,
  DatabaseMovedError,
  DiskFullError,
  QueryCancelledError,
  QueryError,
  StatementTimeoutError,
  UnsafeIntegerError,
} from './foundation/errors/statement-errors.ts';
export {
  DatabaseBusyError,
  DeadlockError,
  OutsideTransactionError,
  ReadOnlyDatabaseError,
  SerializationFailureError,
  StalePreparedStatementError,
  TransactionAbortedError,
  TransactionClosedError,
  TransactionTimeoutError,
} from './foundation/errors/transaction-errors.ts';

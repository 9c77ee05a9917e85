// The runtime check comes first: an old Node must hear of it before a driver crashes in it.
import '../foundation/runtime.ts';
// Refuses production before anything else is loaded.
export { assertNotProduction } from './assert-not-production.ts';

// What the checks are run against
export type { ScopeTools, TransactionSource } from './transaction-source.ts';
export { unitOfWorkSource } from './unit-of-work-source.ts';

// No row escapes from its transaction
export {
  checkEscape,
  type EscapeCounterexample,
  type EscapeOptions,
  type EscapeReport,
} from './escape/check-escape.ts';
export type { EscapeFault, EscapeFaultKind } from './escape/escape-ledger.ts';
export type { EscapeScope, EscapeSubject } from './escape/escape-subject.ts';
export { kyselyEscapeSubject, type EscapeSubjectOptions } from './escape/kysely-escape-subject.ts';

// Transactions do not disturb each other
export { checkIsolation, type IsolationOptions, type IsolationReport } from './isolation/check-isolation.ts';
export { findAnomalies } from './isolation/find-anomalies.ts';
export type { AnomalyKind, IsolationAnomaly } from './isolation/isolation-anomaly.ts';
export type {
  AppendOperation,
  IsolationHistory,
  IsolationOperation,
  IsolationTransaction,
  ReadOperation,
} from './isolation/isolation-history.ts';
export type { IsolationRun, IsolationScope, IsolationSubject } from './isolation/isolation-subject.ts';
export {
  kyselyIsolationSubject,
  type IsolationSubjectOptions,
} from './isolation/kysely-isolation-subject.ts';

// For the tests of applications
export { expectNoNPlusOne } from './expect-no-n-plus-one.ts';
export { sandbox, type SandboxProvider } from './sandbox.ts';
export {
  delayNth,
  failNth,
  hangNth,
  type DriverCall,
  type DriverCallKind,
  type FaultInjector,
} from './faults/fault-injector.ts';
export { withFaults } from './faults/with-faults.ts';

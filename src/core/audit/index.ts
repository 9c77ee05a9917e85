// The runtime check comes first: an old Node must hear of it before a driver crashes in it.
import '../foundation/runtime.ts';
export { auditMigrations } from '../../../migrations/audit/index.ts';
export { AuditLog, type AuditLogOptions } from './audit-log.ts';
export type { AuditEvent, FieldChange } from './audit-event.ts';
export { audited, auditedTarget } from './audited.ts';
export type { AuditedCascade, AuditedOptions, AuditedRows, AuditedTable } from './audited-options.ts';
export {
  sealedChange,
  sealedValue,
  type BytesValue,
  type MaskedValue,
  type SealedValue,
} from './masked-value.ts';
export { AuthenticationFailures, type AuthenticationFailuresOptions } from './authentication-failures.ts';
export { auditKeyUse } from './audit-key-use.ts';
export type { AuditProvider } from './audit-provider.ts';
export type { AnchoredHead, AuditAnchor } from './anchor.ts';
export {
  fileAnchors,
  httpAnchors,
  readAnchors,
  type AnchorSink,
  type HttpAnchorsOptions,
} from './anchor-sinks.ts';
export type { Anchoring, AnchoringOptions } from './anchoring.ts';
export type { AuditFault, AuditFaultKind, AuditVerification, StreamVerification } from './verify-report.ts';
export type { VerifyOptions } from './verify-trail.ts';
export type { AuditActor, AuditEntity, AuditEntry } from './audit-entry.ts';
export { AuditReader, type EntityDifference, type TrailPageOptions } from './audit-reader.ts';
export type { AuditReadProvider } from './audit-entries.ts';
export type { AuditFilter } from './audit-filter.ts';
export { AuditKeeper } from './audit-keeper.ts';
export type { PersonOptions } from './audit-person.ts';
export type { EntityVersion } from './entity-versions.ts';
export type { EraseOptions, EraseReport } from './erase-person.ts';
export type { AuditExportFormat } from './export-lines.ts';
export type { HoldScope, LegalHold } from './hold.ts';
export type { PurgeOptions, PurgeReport } from './purge-trail.ts';
export type { SubjectEntry } from './subject-report.ts';

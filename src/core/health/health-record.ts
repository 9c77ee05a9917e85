import { ValidationError } from '../foundation/errors/validation-error.ts';
import { isHealthStatus, type HealthStatus } from '../foundation/health-status.ts';
import { readColumn } from '../repository/row-mapper.ts';
import type { HealthTables } from './health-tables.ts';

/** How a check was at one moment. */
export interface HealthRecord {
  /** Its own, a UUID that grows with time. */
  readonly id: string;
  /** The name of the check; `ready` for all of them together. */
  readonly check: string;
  /** How it was. */
  readonly status: HealthStatus;
  /** What was found; null for all of them together. */
  readonly message: string | null;
  /** When, in ms since the Unix epoch. */
  readonly checkedAt: number;
  /** How long the check took, in whole ms; null for all of them together. */
  readonly duration: number | null;
}

/** Makes a record of a stored row. */
export function recordFromRow(row: HealthTables['health_checks']): HealthRecord {
  return Object.freeze({
    id: row.id,
    check: row.check_type,
    status: readColumn(row, 'status', parseStatus),
    message: row.message,
    checkedAt: row.checked_at,
    duration: row.duration_ms,
  });
}

/** Makes the row that stores a record. */
export function recordToRow(record: HealthRecord): HealthTables['health_checks'] {
  return {
    id: record.id,
    check_type: record.check,
    status: record.status,
    message: record.message,
    checked_at: record.checkedAt,
    duration_ms: record.duration,
  };
}

function parseStatus(value: string): HealthStatus {
  if (isHealthStatus(value)) return value;
  throw new ValidationError('must be healthy, degraded or unhealthy');
}

import { errorCodeOf } from '../error-code.ts';
import type { OtelAttributes } from './open-telemetry-api.ts';

/** SQLSTATE of Postgres, and the names of the result codes of SQLite. */
const databaseCode = /^(?:[0-9A-Z]{5}|SQLITE_[A-Z_]+)$/;

/** How far the causes of an error are followed. */
const deepest = 4;

/**
 * Says why a statement failed, by codes alone: a message may hold what nobody should read.
 *
 * @returns nothing where it did not fail
 */
export function failureAttributes(error: unknown): OtelAttributes {
  if (error === undefined) return {};
  const code = errorCodeOf(error);
  const status = databaseCodeOf(error);
  return {
    'error.type': code === 'OTHER' ? '_OTHER' : code,
    ...(status !== undefined && { 'db.response.status_code': status }),
  };
}

/** The code of the database is that of the driver's error, which stands behind ours. */
function databaseCodeOf(error: unknown): string | undefined {
  let cause: unknown = error;
  for (let depth = 0; depth < deepest && cause instanceof Error; depth += 1) {
    const { code, driverCode } = cause as { code?: unknown; driverCode?: unknown };
    for (const known of [driverCode, code]) {
      if (typeof known === 'string' && databaseCode.test(known)) return known;
    }
    cause = cause.cause;
  }
  return undefined;
}

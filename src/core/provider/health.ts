import { ConnectionError, NestedAcquireError } from '../foundation/errors/connection-errors.ts';
import { LiminalDataError } from '../foundation/errors/liminal-data-error.ts';
import type { Clock } from '../foundation/clock.ts';

/** What a health check found. */
export interface HealthReport {
  /**
   * Whether the database answered. True without a version where the transaction around the call holds the only
   * connection: then it was not asked, and nothing says that it is down.
   */
  readonly healthy: boolean;
  /** How long the answer, or the failure, took in ms; waiting for a connection included. */
  readonly latency: number;
  /** The engine's type. */
  readonly engine: string;
  /** The version of the server or library; undefined where there was no answer. */
  readonly version: string | undefined;
  /** Why it is not healthy; undefined where it is. */
  readonly error?: LiminalDataError;
}

/**
 * Asks a database for its version and times the answer. Never throws.
 *
 * @param engine the engine's type
 * @param askVersion the one statement to send
 */
export async function checkHealth(
  engine: string,
  askVersion: () => Promise<string>,
  clock: Clock,
): Promise<HealthReport> {
  const start = clock.monotonic();
  const report = { engine, latency: 0, healthy: true, version: undefined };
  try {
    const version = await askVersion();
    return { ...report, version, latency: clock.monotonic() - start };
  } catch (error) {
    if (error instanceof NestedAcquireError) return { ...report, latency: clock.monotonic() - start };
    return { ...report, healthy: false, latency: clock.monotonic() - start, error: asOwnError(error) };
  }
}

// Kysely throws a plain Error once its own `destroy()` was called.
function asOwnError(cause: unknown): LiminalDataError {
  if (cause instanceof LiminalDataError) return cause;
  return new ConnectionError('The database could not be asked for its version.', { cause });
}

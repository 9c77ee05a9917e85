import { LiminalDataError } from '../foundation/errors/liminal-data-error.ts';

/**
 * Names the class of a failure. Reasons of aborts are the application's own, so that their number has no bound: only the
 * two that the platform has are told apart.
 */
export function errorCodeOf(error: unknown): string {
  if (error instanceof LiminalDataError) return error.code;
  const name = error instanceof Error ? error.name : undefined;
  if (name === 'AbortError') return 'ABORTED';
  return name === 'TimeoutError' ? 'TIMEOUT' : 'OTHER';
}

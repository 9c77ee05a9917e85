import { LiminalDataError } from './liminal-data-error.ts';

/** A load that callers of a cache had waited for together did not end in time. */
export class CacheLoadTimeoutError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_CACHE_LOAD_TIMEOUT',
    retryable: true,
    when: 'A read that a cached repository had to send did not end within `loadTimeout`. All who waited for it are told; the next caller sends a read of its own.',
    remedy:
      'Look for what holds the database up: a lock, a pool that is used up, a server that is silent. Raise `loadTimeout` where such a read takes longer by right.',
  } as const;

  /** @param limit in ms */
  constructor(region: string, limit: number) {
    super(`A read of the region "${region}" did not end within ${limit} ms.`);
  }
}

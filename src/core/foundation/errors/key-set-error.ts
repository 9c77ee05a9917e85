import { LiminalDataError } from './liminal-data-error.ts';

/** The keys of another issuer cannot be fetched, so that nobody can say whether its tokens are good. */
export class KeySetUnavailableError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_KEY_SET_UNAVAILABLE',
    retryable: true,
    when: 'The key set of another issuer could not be fetched, and the keys that were fetched before are too old to count. No token was accepted.',
    remedy:
      'Answer 503, which `authenticate` does by itself. Look at the log of the RemoteKeySet for what its address answers.',
  } as const;

  /** Where the key set was asked for. */
  readonly origin: string;

  constructor(origin: string) {
    super(`The key set of ${origin} cannot be fetched. No token was checked; it is asked for again in 30 s.`);
    this.origin = origin;
  }
}

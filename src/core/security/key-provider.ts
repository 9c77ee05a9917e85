/** What a call of a key provider is given. */
export interface KeyProviderCall {
  /** Aborts when nobody waits any longer. */
  readonly signal: AbortSignal;
}

/**
 * Wraps the keys of an application with a key that the application never sees, as a key management service does.
 * The wrapped key is kept with the configuration; at start it is unwrapped once, into a KeyRing.
 */
export interface KeyProvider {
  /** Encrypts 32 bytes. It resolves to text that `unwrap` understands. */
  wrap(dataKey: Uint8Array, call: KeyProviderCall): Promise<string>;
  /** Gives back what was wrapped, and rejects where that is not authentic or the service does not answer. */
  unwrap(wrapped: string, call: KeyProviderCall): Promise<Uint8Array>;
}

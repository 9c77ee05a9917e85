/** How long the answers of a repository are kept: what its options say, with their defaults. */
export interface CachedTerms {
  readonly ttl: number;
  readonly staleFor: number;
  readonly negativeTtl: number;
  readonly jitter: number;
  readonly loadTimeout: number;
}

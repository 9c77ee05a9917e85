// The runtime check comes first: an old Node must hear of it before a driver crashes in it.
import '../foundation/runtime.ts';

// Keys, sealed values and blind indexes
export { KeyRing, type KeyInput } from './key-ring.ts';
export type { RingKey } from './ring-key.ts';
export { FieldCipher, type FieldCipherStats } from './field-cipher.ts';
export type { FieldCipherOptions } from './field-cipher-options.ts';
export type { CipherPlace } from './cipher-place.ts';
export { envelopePrefix } from './envelope.ts';
export { BlindIndex, type BlindIndexOptions, type BlindIndexPlace } from './blind-index.ts';
export { generateKey, type GeneratedKey } from './generate-key.ts';
export { openLegacySecret } from './legacy-secret.ts';

// Keys from a key management service
export type { KeyProvider, KeyProviderCall } from './key-provider.ts';
export { LocalKeyProvider } from './local-key-provider.ts';
export { createWrappedKey, openKeyRing, type KeyProviderOptions, type WrappedKey } from './wrapped-keys.ts';

// Encrypted columns
export type { ColumnEncryption, TableEncryption } from '../foundation/table-encryption.ts';
export { encrypted, type EncryptedOptions } from './columns/encrypted.ts';
export { defineEncryption, type EncryptionOptions } from './columns/define-encryption.ts';
export { RowCipher, type IndexName } from './columns/row-cipher.ts';
export {
  encryptMapper,
  sealedColumnsOf,
  type OpenRow,
  type OpenRowMapper,
} from './columns/encrypt-mapper.ts';

// Rotation of keys
export { rotateKeys, type RotationReport } from './rotation/rotate-keys.ts';
export { keyStatus, type ColumnKeyStatus, type KeyStatus } from './rotation/key-status.ts';
export { retireKey } from './rotation/retire-key.ts';
export type {
  KeyUseOptions,
  RotateKeysOptions,
  RotationProgress,
  RotationProvider,
} from './rotation/rotation-options.ts';

// The border: whose rows, and what may be asked for from outside
export { scoped, type ScopedOptions, type ScopedRepository } from './scoped.ts';
export { RowScope, type Offered, type RowScopeOptions } from './row-scope.ts';
export type { OwnRule, ParentRule, RowRule, RowRules } from './row-rule.ts';
export type { ActorSource } from './actor-id.ts';
export { parseListQuery, type ListQuery } from './parse-list-query.ts';
export type { FilterRule, ListRules } from './list-rules.ts';
export { parseChanges } from './parse-changes.ts';

// Tokens
export { tokenMigrations } from '../../../migrations/token/index.ts';
export { TokenService } from './tokens/token-service.ts';
export type { TokenServiceConfig } from './tokens/token-service-config.ts';
export { TokenVerifier } from './tokens/token-verifier.ts';
export type { RequiredClaims, TokenConfig } from './tokens/token-config.ts';
export type {
  AsymmetricAlgorithm,
  EdwardsAlgorithm,
  EllipticAlgorithm,
  HmacAlgorithm,
  RsaAlgorithm,
  RsaPssAlgorithm,
  TokenAlgorithm,
  TokenAlgorithms,
} from './tokens/token-algorithm.ts';
export { TokenKeys, type PublishedKeySet, type TokenKeySource } from './tokens/token-keys.ts';
export type {
  HmacKeyInput,
  PrivateKeyInput,
  PublicKeyInput,
  TokenKey,
  TokenKeyInput,
} from './tokens/token-key.ts';
export { RemoteKeySet, type RemoteKeySetOptions } from './tokens/remote-key-set.ts';
export type { TokenGrant } from './tokens/grant.ts';
export type { IssueInput } from './tokens/encode-claims.ts';
export type { TokenDemand } from './tokens/token-demand.ts';
export type { VerifiedToken } from './tokens/token-claims.ts';
export type { IssuedToken, TokenMark, TokenPair } from './tokens/issued-tokens.ts';
export type { TokenCallOptions, TokenProvider } from './tokens/token-provider.ts';
export { RefreshTokens, type IssuedRefreshToken, type RotateOptions } from './tokens/refresh-tokens.ts';
export type { RefreshTokensOptions } from './tokens/refresh-options.ts';
export { Revocations, type RevocationsOptions } from './tokens/revocations.ts';
export { pruneTokens, type PruneTokensReport } from './tokens/prune-tokens.ts';
export type { RevocableToken, Revocation } from './tokens/revocation-memory.ts';

// Who makes a request
export {
  authenticate,
  type AuthenticateOptions,
  type Authenticated,
  type Authentication,
  type Next,
  type ServerResponse,
  type TokenChecker,
} from './tokens/authenticate.ts';
export type { ServerRequest } from './tokens/authorization-header.ts';

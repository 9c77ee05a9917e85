import { defineEncryption, encrypted, type TableEncryption } from '../../core/security/index.ts';

/**
 * What is encrypted of API keys. A stored key belongs to its user and provider: storing another one keeps the id of
 * the row.
 */
export const apiKeyEncryption = defineEncryption({
  table: 'api_keys',
  key: 'id',
  row: ['user_id', 'provider'],
  columns: { sealed_key: encrypted() },
});

/** What is encrypted of OAuth identities: the refresh token. */
export const oauthIdentityEncryption = defineEncryption({
  table: 'oauth_identities',
  key: 'id',
  columns: { sealed_refresh_token: encrypted() },
});

/**
 * Every encrypted table of the chat, for `rotateKeys`, `keyStatus` and `retireKey`. The command line rotates these
 * where `liminal.config.ts` names no others.
 */
export const chatEncryption: readonly TableEncryption[] = Object.freeze([
  apiKeyEncryption,
  oauthIdentityEncryption,
]);

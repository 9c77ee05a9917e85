import { defineId, type ValueOf } from '../core/domain/index.ts';

/** Identity of a user. */
export const UserId = defineId('UserId');
export type UserId = ValueOf<typeof UserId>;

/** Identity of the link between a user and an account at an OAuth provider. */
export const OauthIdentityId = defineId('OauthIdentityId');
export type OauthIdentityId = ValueOf<typeof OauthIdentityId>;

/** Identity of an API key. */
export const ApiKeyId = defineId('ApiKeyId');
export type ApiKeyId = ValueOf<typeof ApiKeyId>;

/** Identity of a context thread. */
export const ThreadId = defineId('ThreadId');
export type ThreadId = ValueOf<typeof ThreadId>;

/** Identity of a message. */
export const MessageId = defineId('MessageId');
export type MessageId = ValueOf<typeof MessageId>;

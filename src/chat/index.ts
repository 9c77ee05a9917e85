export type { ChatCacheOptions } from './chat-cache.ts';
export {
  openChatStore,
  type AuditedChatStore,
  type ChatStore,
  type ChatStoreOptions,
} from './open-chat-store.ts';
export type { ChatRepositories } from './chat-repositories.ts';
export type { ChatServices, ChatUnit, ChatUnitOfWork } from './chat-unit-of-work.ts';
export type { ScopedChat } from './scoped-chat.ts';
export { chatMigrations } from '../../migrations/chat/index.ts';
export type {
  ApiKeysTable,
  ChatDatabase,
  ContextThreadsTable,
  HealthChecksTable,
  MessagesTable,
  OauthIdentitiesTable,
  UserPreferencesTable,
  UsersTable,
} from './chat-database.ts';
export { ApiKeyId, MessageId, OauthIdentityId, ThreadId, UserId } from './ids.ts';
export type { JsonObject, JsonValue } from './json-value.ts';

// Accounts
export { AccountService, type AccountParts, type OauthSignIn } from './account/account-service.ts';
export { EmailAddress } from './account/email-address.ts';
export { ProviderName } from './account/provider-name.ts';
export { DisplayName, changeEmail, createUser, renameUser, type User } from './account/user.ts';
export { UserRepository } from './account/user-repository.ts';
export {
  ProviderUserId,
  createOauthIdentity,
  markIdentityUsed,
  type OauthIdentity,
} from './account/oauth-identity.ts';
export { OauthIdentityRepository } from './account/oauth-identity-repository.ts';
export {
  ApiKeyLabel,
  createApiKey,
  isRevoked,
  markApiKeyUsed,
  revokeApiKey,
  type ApiKey,
} from './account/api-key.ts';
export { ApiKeyRepository, type StoreApiKeyOptions } from './account/api-key-repository.ts';
export { chatEncryption } from './account/chat-encryption.ts';
export type { SecretOptions } from './account/chat-secrets.ts';
export { PreferenceName, changePreference, createPreference, type Preference } from './account/preference.ts';
export { PreferenceRepository } from './account/preference-repository.ts';

// Conversations
export { ConversationService } from './conversation/conversation-service.ts';
export type {
  InTransaction,
  LatestMessages,
  PageMessagesOptions,
  PageThreadsOptions,
} from './conversation/conversation-options.ts';
export type { ConversationParts } from './conversation/conversation-parts.ts';
export type { NewMessage } from './conversation/new-message.ts';
export type {
  ImportedMessage,
  ImportedThread,
  ImportOptions,
  ImportReport,
} from './conversation/thread-import.ts';
export {
  SourceId,
  advanceThread,
  createThread,
  retitleThread,
  type ContextThread,
} from './conversation/context-thread.ts';
export { ContextThreadRepository } from './conversation/context-thread-repository.ts';
export { ThreadTitle } from './conversation/thread-title.ts';
export {
  changeMessage,
  createMessage,
  withContent,
  withStatus,
  type Message,
  type MessageChanges,
} from './conversation/message.ts';
export { MessageContent } from './conversation/message-content.ts';
export { parseMessageRole, type MessageRole } from './conversation/message-role.ts';
export { canFollow, parseMessageStatus, type MessageStatus } from './conversation/message-status.ts';
export { MessageRepository } from './conversation/message-repository.ts';
export { MessageSearch, type SearchEntry, type SearchHit } from './conversation/message-search.ts';
export { searchTokens } from './conversation/search-tokens.ts';
export { normalizeThread, type ThreadWithMessages } from './conversation/thread-with-messages.ts';

// Replies of a model
export {
  ReplyService,
  type Question,
  type ReplyCallOptions,
  type ReplyOptions,
  type ReplyParts,
  type ReplyProgress,
} from './reply/reply-service.ts';
export {
  replySaga,
  type ReplyContext,
  type ReplyResults,
  type ReplySettings,
  type ReplyStore,
} from './reply/reply-saga.ts';
export type { AnswerStore } from './reply/answer-marks.ts';
export type { ReplyListener } from './reply/grow-answer.ts';
export type { ReplyInput, ReplyMessages } from './reply/reply-input.ts';
export type { ModelRequest, ReplyModel } from './reply/reply-model.ts';

// The legacy database
export { importLegacy } from './legacy/import-legacy.ts';
export type {
  LegacyImportOptions,
  LegacyImportProgress,
  LegacyImportReport,
} from './legacy/legacy-import-options.ts';
export type { LegacyCount, LegacyKind, LegacyProof } from './legacy/proof/prove-import.ts';
export {
  readLegacyQuarantine,
  type LegacyNoteCounts,
  type LegacyReportLine,
} from './legacy/read-quarantine.ts';
export { legacyMigrations } from '../../migrations/legacy/index.ts';

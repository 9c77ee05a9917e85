/** What each kind of entity of the chat is called in the audit trail. */
export const auditedEntities = {
  users: 'user',
  oauthIdentities: 'oauth-identity',
  apiKeys: 'api-key',
  preferences: 'preference',
  threads: 'thread',
  messages: 'message',
} as const;

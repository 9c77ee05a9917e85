/** Random values of the chat's domain, made from the edges of what each field allows. */
import fc from 'fast-check';
import { ProviderUserId, type OauthIdentity } from '../../src/chat/account/oauth-identity.ts';
import { ApiKeyLabel, type ApiKey } from '../../src/chat/account/api-key.ts';
import { EmailAddress } from '../../src/chat/account/email-address.ts';
import { PreferenceName, type Preference } from '../../src/chat/account/preference.ts';
import { ProviderName } from '../../src/chat/account/provider-name.ts';
import { DisplayName, type User } from '../../src/chat/account/user.ts';
import { SourceId, type ContextThread } from '../../src/chat/conversation/context-thread.ts';
import { MessageContent } from '../../src/chat/conversation/message-content.ts';
import type { Message } from '../../src/chat/conversation/message.ts';
import { ThreadTitle } from '../../src/chat/conversation/thread-title.ts';
import { ApiKeyId, MessageId, OauthIdentityId, ThreadId, UserId } from '../../src/chat/ids.ts';
import { parseJsonObject, parseJsonValue } from '../../src/chat/json-value.ts';

const uuid = fc.uuid();
const version = fc.integer({ min: 1, max: 0x7fffffff });
const time = fc.maxSafeNat();
const maybeTime = fc.option(time, { nil: undefined });

/** Text that a database can store: any Unicode but NUL. */
const storableText = (limits: { minLength?: number; maxLength?: number }) =>
  fc.string({ unit: 'binary', ...limits }).map((text) => text.replaceAll('\0', ' '));

const line = (max: number) =>
  storableText({ minLength: 1, maxLength: max })
    .map((text) => text.trim())
    .filter((text) => text !== '');

const email = fc
  .tuple(fc.stringMatching(/^[a-z0-9.+_-]{1,30}$/), fc.stringMatching(/^[a-z0-9]{1,20}$/))
  .map(([name, host]) => EmailAddress.parse(`${name}@${host}.example`));
const provider = fc.stringMatching(/^[a-z0-9-]{1,64}$/).map(ProviderName.parse);
const json = fc
  .jsonValue({ noUnicodeString: false })
  .filter((value) => !JSON.stringify(value).includes('\\u0000'));
const jsonObject = fc
  .dictionary(storableText({ maxLength: 20 }), json)
  .map((value) => parseJsonObject(value));

export const users: fc.Arbitrary<User> = fc.record({
  id: uuid.map(UserId.parse),
  email,
  emailVerifiedAt: maybeTime,
  displayName: fc.option(line(200).map(DisplayName.parse), { nil: undefined }),
  version,
  createdAt: time,
  updatedAt: time,
});

export const oauthIdentities: fc.Arbitrary<OauthIdentity> = fc.record({
  id: uuid.map(OauthIdentityId.parse),
  userId: uuid.map(UserId.parse),
  provider,
  providerUserId: line(255).map(ProviderUserId.parse),
  email: fc.option(email, { nil: undefined }),
  version,
  createdAt: time,
  lastUsedAt: maybeTime,
});

export const apiKeys: fc.Arbitrary<ApiKey> = fc.record({
  id: uuid.map(ApiKeyId.parse),
  userId: uuid.map(UserId.parse),
  provider,
  label: fc.option(line(100).map(ApiKeyLabel.parse), { nil: undefined }),
  version,
  createdAt: time,
  lastUsedAt: maybeTime,
  revokedAt: maybeTime,
});

export const preferences: fc.Arbitrary<Preference> = fc.record({
  userId: uuid.map(UserId.parse),
  name: fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/).map(PreferenceName.parse),
  value: json.map(parseJsonValue),
  version,
  updatedAt: time,
});

export const threads: fc.Arbitrary<ContextThread> = fc.record({
  id: uuid.map(ThreadId.parse),
  ownerId: fc.option(uuid.map(UserId.parse), { nil: undefined }),
  sourceId: fc.option(line(255).map(SourceId.parse), { nil: undefined }),
  title: fc.option(line(200).map(ThreadTitle.parse), { nil: undefined }),
  metadata: fc.option(jsonObject, { nil: undefined }),
  nextSeq: version,
  version,
  createdAt: time,
  updatedAt: time,
});

export const messages: fc.Arbitrary<Message> = fc.record({
  id: uuid.map(MessageId.parse),
  threadId: uuid.map(ThreadId.parse),
  seq: version,
  role: fc.constantFrom('user', 'assistant', 'system', 'tool'),
  content: storableText({ minLength: 1, maxLength: 500 }).map(MessageContent.parse),
  status: fc.constantFrom('pending', 'streaming', 'complete', 'error', 'interrupted'),
  metadata: fc.option(jsonObject, { nil: undefined }),
  version,
  createdAt: time,
});

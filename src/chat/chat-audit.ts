import { auditedTarget, type AuditLog, type AuditedOptions } from '../core/audit/index.ts';
import type { TransactionalProvider } from '../core/index.ts';
import { ActionRecorder } from './action-recorder.ts';
import { auditedEntities } from './audited-entities.ts';
import type { ChatDatabase } from './chat-database.ts';
import type { ChatRepositories } from './chat-repositories.ts';

type Rules = Omit<AuditedOptions, 'log' | 'cascades'>;

// What people write, and what is open-ended, is masked: the trail proves that it changed, and is no second copy of it.
// What moves by itself is left out: places and times of appends, of sign-ins and of requests.
const rules = {
  users: { entity: auditedEntities.users, ignore: ['updated_at'] },
  oauthIdentities: { entity: auditedEntities.oauthIdentities, ignore: ['last_used_at'] },
  apiKeys: { entity: auditedEntities.apiKeys, ignore: ['last_used_at'] },
  preferences: { entity: auditedEntities.preferences, mask: ['value'], ignore: ['updated_at'] },
  threads: { entity: auditedEntities.threads, mask: ['metadata'], ignore: ['next_seq', 'updated_at'] },
  messages: { entity: auditedEntities.messages, mask: ['content', 'metadata'] },
} as const satisfies Record<keyof ChatRepositories, Rules>;

/** Records what becomes of the chat's entities: who made, changed or deleted which, and what was given out. */
export class ChatAudit {
  /** Where it is recorded. */
  readonly log: AuditLog;
  readonly #options: Readonly<Record<keyof ChatRepositories, AuditedOptions>>;

  /**
   * @param log of the same database
   * @param repositories of that database, whose tables rows go from with their user or thread
   */
  constructor(log: AuditLog, { oauthIdentities, apiKeys, preferences, threads, messages }: ChatRepositories) {
    const owned = { column: 'user_id' };
    const inThread = [{ ...rules.messages, of: messages, column: 'thread_id' }];
    this.log = log;
    this.#options = {
      users: {
        ...rules.users,
        log,
        cascades: [
          { ...rules.oauthIdentities, ...owned, of: oauthIdentities },
          { ...rules.apiKeys, ...owned, of: apiKeys },
          { ...rules.preferences, ...owned, of: preferences },
          { ...rules.threads, of: threads, column: 'owner_id', cascades: inThread },
        ],
      },
      oauthIdentities: { ...rules.oauthIdentities, log },
      apiKeys: { ...rules.apiKeys, log },
      preferences: { ...rules.preferences, log },
      threads: { ...rules.threads, log, cascades: inThread },
      messages: { ...rules.messages, log },
    };
  }

  /** What a repository is made on, so that its writes are recorded. */
  target(
    name: keyof ChatRepositories,
    provider: TransactionalProvider<ChatDatabase>,
  ): TransactionalProvider<ChatDatabase> {
    return auditedTarget(provider, this.#options[name]);
  }

  /** Records what is done beside those writes. */
  recorder(provider: TransactionalProvider<ChatDatabase>): ActionRecorder {
    return new ActionRecorder(provider, this.log);
  }
}

// The runtime check comes first: an old Node must hear of it before a driver crashes in it.
import '../foundation/runtime.ts';
export { outboxMigrations } from '../../../migrations/outbox/index.ts';
export type { NewMessage } from './new-message.ts';
export { Outbox, type OutboxOptions } from './outbox.ts';
export type { OutboxMessage } from './outbox-message.ts';
export type { OutboxProvider } from './outbox-provider.ts';
export { OutboxRelay, type RunOnceReport, type StopOptions } from './outbox-relay.ts';
export type { DeliveryContext, DeliveryRetryOptions, RelayOptions } from './relay-options.ts';
export type { RelayEvent } from './relay-event.ts';
export { Inbox, type InboxOptions, type InboxResult, type PruneOptions } from './inbox.ts';
export {
  readOutboxStatus,
  type OutboxStatus,
  type OutboxStatusOptions,
  type TopicStatus,
} from './outbox-status.ts';
export { replayDeadLetters, type DeadLetterChoice, type ReplayReport } from './dead-letters.ts';

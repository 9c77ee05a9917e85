import type { OutboxMessage } from './outbox-message.ts';

/** Something that happened in a relay, for whoever counts or warns. */
export type RelayEvent<Topics extends object = Record<string, unknown>> =
  /** A message was delivered, and is gone from the outbox. `duration` is that of `deliver`, in ms. */
  | {
      readonly type: 'delivered';
      readonly message: OutboxMessage<Topics>;
      readonly attempt: number;
      readonly duration: number;
    }
  /** A delivery failed; the next one is in `delay` ms at the earliest. */
  | {
      readonly type: 'failed';
      readonly message: OutboxMessage<Topics>;
      readonly attempt: number;
      readonly error: unknown;
      readonly delay: number;
    }
  /** The last delivery failed: the message is a dead letter now. */
  | {
      readonly type: 'dead';
      readonly message: OutboxMessage<Topics>;
      readonly attempt: number;
      readonly error: unknown;
    }
  /** The lease was somebody else's when the delivery ended: the message is delivered again. */
  | { readonly type: 'lost'; readonly message: OutboxMessage<Topics>; readonly attempt: number }
  /** A lease was taken from an owner that gave no sign of life. */
  | { readonly type: 'reclaimed'; readonly id: string }
  /** The database could not be asked; the relay tries again. */
  | { readonly type: 'error'; readonly error: unknown };

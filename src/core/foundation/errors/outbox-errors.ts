import { LiminalDataError } from './liminal-data-error.ts';

/** A delivery of the outbox was given up before it came to its end. */
export class DeliveryAbortedError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_DELIVERY_ABORTED',
    retryable: true,
    when: 'The reason of the signal that a relay gave to `deliver`: the delivery took longer than `deliverTimeout`, the relay could not renew its lease and another one may deliver the message, or the relay was stopped and its deadline has passed.',
    remedy:
      'Stop what was begun for the message; it comes again. Let consumers go through an Inbox, so that what was done already is not done twice.',
  } as const;
}

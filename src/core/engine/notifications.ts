/** Hears what is sent on a channel. Neither method may throw; what they throw is logged. */
export interface NotificationListener {
  /** Hears a notification, in the order of the commits that sent them. */
  onNotification(payload: string): void;
  /**
   * Is called each time listening begins: once at the start, and again behind each loss of the connection. What
   * was sent before may have been missed, so whoever needs all of it looks for itself now.
   */
  onGap(): void;
}

/** A channel that is listened to. */
export interface Subscription {
  /** Ends it: the listener hears nothing more. A second call does nothing. */
  close(): void;
}

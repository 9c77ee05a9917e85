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
  /**
   * Asks the server over the connection that listens. Once it has answered, all is heard that was sent before it was asked.
   *
   * Absent where nobody can be asked.
   *
   * @returns false where the connection is away. Never rejects
   */
  isAlive?(): Promise<boolean>;
  /** Ends it: the listener hears nothing more. A second call does nothing. */
  close(): void;
}

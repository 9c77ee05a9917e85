/** The rows of a legacy database as they lie there. SQLite holds any kind of value in any column. */

/** A row of `context_threads`. */
export interface LegacyThreadRow {
  /** Its place in the table, in decimal digits: it may be beyond what a number of JavaScript holds exactly. */
  readonly rowid: string;
  /** The bytes of the texts, as of the next ones; null for NULL. */
  readonly id: Uint8Array | null;
  readonly title: Uint8Array | null;
  readonly metadata: Uint8Array | null;
  readonly messages: Uint8Array | null;
  /** A number, a text or null. */
  readonly created_at: unknown;
  readonly updated_at: unknown;
}

/** A row of `users`. */
export interface LegacyUserRow {
  /** Its place in the table, in decimal digits: it may be beyond what a number of JavaScript holds exactly. */
  readonly rowid: string;
  readonly id: Uint8Array | null;
  readonly email: Uint8Array | null;
  readonly display_name: Uint8Array | null;
  readonly auth_providers: Uint8Array | null;
  readonly api_keys: Uint8Array | null;
  readonly preferences: Uint8Array | null;
  readonly created_at: unknown;
  readonly updated_at: unknown;
}

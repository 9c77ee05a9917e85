/** Why a record of the legacy database was not taken just as it was. */
export type LegacyReason =
  | 'content-is-empty'
  | 'content-is-no-text'
  | 'content-too-long'
  | 'duplicate-email'
  | 'duplicate-id'
  | 'duplicate-identity'
  | 'email-is-unreadable'
  | 'foreign-thread-id'
  | 'identity-is-unreadable'
  | 'json-is-no-array'
  | 'json-is-no-object'
  | 'json-is-unreadable'
  | 'key-does-not-open'
  | 'message-is-no-object'
  | 'metadata-is-unreadable'
  | 'no-id'
  | 'no-legacy-key'
  | 'owner-is-left-out'
  | 'preference-is-unreadable'
  | 'provider-is-unreadable'
  | 'record-is-unreadable'
  | 'secret-is-unreadable'
  | 'text-is-no-text'
  | 'text-is-not-utf8'
  | 'text-is-unstorable'
  | 'text-too-long'
  | 'time-in-seconds'
  | 'time-is-missing'
  | 'time-is-negative'
  | 'time-is-not-whole'
  | 'time-is-text'
  | 'time-is-unreadable'
  | 'unknown-field'
  | 'unknown-role'
  | 'unknown-status';

/** Something of a record that was not taken just as it was. */
export interface LegacyNote {
  /** Where in the record, such as `title` or `messages.3.createdAt`; the indexes count from 0. */
  readonly place: string;
  readonly reason: LegacyReason;
  /** `kept`: what stands at the place came in mended, or the record without it. `left_out`: it did not come in. */
  readonly outcome: 'kept' | 'left_out';
  /** The JSON of what stood there, in which NUL and lone surrogates are escaped; null for secrets. */
  readonly raw: string | null;
  /** The place in its thread that a message of which something was mended has got; null for all else. */
  readonly seq: number | null;
}

/** Makes a note of what was mended. */
export function keptNote(place: string, reason: LegacyReason, raw: string | null): LegacyNote {
  return { place, reason, outcome: 'kept', raw, seq: null };
}

/** Makes a note of what did not come in. */
export function leftOutNote(place: string, reason: LegacyReason, raw: string | null): LegacyNote {
  return { place, reason, outcome: 'left_out', raw, seq: null };
}

/** The same note where its record does not come in after all, so that nothing of it was mended. */
export function withoutRecord(note: LegacyNote): LegacyNote {
  return note.outcome === 'left_out' ? note : leftOutNote(note.place, note.reason, note.raw);
}

/** What a note keeps of a value: its JSON, which every engine stores whatever the value holds. */
export function rawOf(value: unknown): string {
  return JSON.stringify(value) ?? 'null';
}

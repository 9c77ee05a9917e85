import { createHash } from 'node:crypto';

/** What is compared of a message. What was mended is `mended` on both sides, since it is meant to differ. */
export interface MessageContent {
  readonly seq: number;
  readonly id: string;
  readonly role: string;
  readonly content: string;
  readonly status: string;
  /** JSON in its one form. */
  readonly metadata: string;
  readonly createdAt: string;
}

/** What is compared of a thread. */
export interface ThreadContent {
  readonly id: string;
  readonly title: string;
  readonly metadata: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly nextSeq: number;
  readonly messages: readonly MessageContent[];
}

/** Stands for whatever was mended. */
export const mended = '\0mended';

/** The hash of all that is compared of a thread, in hexadecimal. */
export function hashThread(thread: ThreadContent): string {
  const { id, title, metadata, createdAt, updatedAt, nextSeq } = thread;
  const hash = createHash('sha256').update(
    JSON.stringify([id, title, metadata, createdAt, updatedAt, nextSeq]),
  );
  for (const one of thread.messages) {
    hash.update(
      JSON.stringify([one.seq, one.id, one.role, one.content, one.status, one.metadata, one.createdAt]),
    );
  }
  return hash.digest('hex');
}

/** The one form of a JSON value: engines keep the members of an object in orders of their own. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => {
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member;
    return Object.fromEntries(Object.entries(member).toSorted(([one], [other]) => (one < other ? -1 : 1)));
  });
}

import { isPlainObject } from '../config/plain-object.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import { encodeJson } from '../query/json-text.ts';
import { isStorableText } from '../query/storable-text.ts';

/** The longest topic and the longest key, in UTF-16 units; both stand in indexes. */
const longestName = 255;

/** A message that is to be published, of one of the topics. */
export type NewMessage<Topics extends object = Record<string, unknown>> = {
  readonly [Topic in keyof Topics & string]: {
    /** What it is about: 1 to 255 characters. */
    readonly topic: Topic;
    /** Keeps the order among the messages of the topic that have it: 1 to 255 characters. Without it there is none. */
    readonly key?: string | undefined;
    /** Any JSON value. */
    readonly payload: Topics[Topic];
    /** What is said beside the payload, such as the id of a trace; none by default. */
    readonly headers?: Readonly<Record<string, string>> | undefined;
  };
}[keyof Topics & string];

/** What is stored of a message that was checked. */
export interface CheckedMessage {
  readonly topic: string;
  readonly key: string | null;
  readonly payload: string;
  readonly headers: string;
}

/** @throws ValidationError with every fault of the topic, the key and the headers, or those of the payload */
export function checkMessage({ topic, key, payload, headers = {} }: NewMessage): CheckedMessage {
  const issues: Issue[] = [];
  checkName(topic, 'topic', issues);
  if (key !== undefined) checkName(key, 'key', issues);
  if (isPlainObject(headers)) {
    for (const [name, value] of Object.entries(headers)) {
      if (typeof value !== 'string') issues.push({ path: ['headers', name], message: 'must be a string' });
    }
  } else {
    issues.push({ path: ['headers'], message: 'must be a plain object' });
  }
  if (issues.length > 0) throw new ValidationError(issues);
  return {
    topic,
    key: key ?? null,
    payload: encodeJson(payload, 'payload'),
    headers: encodeJson(headers, 'headers'),
  };
}

/** Finds what is wrong with the name of a topic, a key or a consumer. */
export function checkName(name: unknown, path: string, issues: Issue[]): void {
  if (typeof name === 'string' && name !== '' && name.length <= longestName && isStorableText(name)) return;
  const message = `must be a string of 1 to ${longestName} characters without NUL and lone surrogates`;
  issues.push({ path: [path], message });
}

import type { UsersTable } from '../../src/chat/chat-database.ts';
import type { MessageRow, ThreadRow } from '../contender.ts';
import { makeRandom } from './random.ts';

/** How large the generated chat is. Of five threads one holds 64 messages and four hold 9. */
export interface ChatScale {
  readonly users: number;
  /** A multiple of 5; there are 20 times as many messages. */
  readonly threads: number;
}

/** 100 users, 5,000 threads, 100,000 messages. */
export const fullScale: ChatScale = { users: 100, threads: 5_000 };

export const messagesPerThread = 20;

const longThread = 64;
const shortThread = 9;
/** 2026-01-01, in epoch ms; a message comes each second. */
const start = 1_767_225_600_000;
const step = 1_000;
const text = makeText();
const roles = ['user', 'assistant'] as const;
const statuses = ['complete', 'complete', 'interrupted', 'complete', 'error'] as const;

export function userId(number: number): string {
  return makeId('a', number);
}

export function threadId(number: number): string {
  return makeId('b', number);
}

export function messageId(number: number): string {
  return makeId('c', number);
}

/** @param number 0 for the first long thread, 1 for the second, … */
export function longThreadId(number: number): string {
  return threadId(number * 5);
}

export function* generateUsers({ users }: ChatScale): Generator<UsersTable> {
  for (let number = 0; number < users; number += 1) {
    yield {
      id: userId(number),
      email: `user-${number}@example.org`,
      email_verified_at: start,
      display_name: `User ${number}`,
      version: 1,
      created_at: start,
      updated_at: start,
    };
  }
}

/** One thread of the chat, as it is stored before any work. */
export function makeThread(number: number, { users }: ChatScale): ThreadRow {
  return {
    id: threadId(number),
    owner_id: userId(number % users),
    source_id: null,
    title: `Thread ${number}`,
    metadata: null,
    next_seq: 1_000_000,
    version: 1,
    created_at: start + number,
    updated_at: start + number * step,
  };
}

export function* generateThreads(scale: ChatScale): Generator<ThreadRow> {
  for (let number = 0; number < scale.threads; number += 1) yield makeThread(number, scale);
}

/** In the order of time: all threads grow side by side, so that the messages of one lie scattered. */
export function* generateMessages({ threads }: ChatScale): Generator<MessageRow> {
  let number = 0;
  for (let seq = 1; seq <= longThread; seq += 1) {
    const stride = seq <= shortThread ? 1 : 5;
    for (let thread = 0; thread < threads; thread += stride) {
      yield makeMessage(number, threadId(thread), seq);
      number += 1;
    }
  }
}

export function makeMessage(number: number, thread: string, seq: number): MessageRow {
  const random = makeRandom(number);
  const length = 20 + random(280);
  const from = random(text.length - length);
  return {
    id: messageId(number),
    thread_id: thread,
    seq,
    role: roles[seq % roles.length]!,
    content: text.slice(from, from + length),
    status: statuses[random(statuses.length)]!,
    metadata: null,
    version: 1,
    created_at: start + number * step,
  };
}

/** UUIDs of version 7 in shape, which grow with their number as those of a clock do. */
function makeId(kind: 'a' | 'b' | 'c', number: number): string {
  return `019b76da-0000-7000-8${kind}00-${number.toString(16).padStart(12, '0')}`;
}

function makeText(): string {
  const words = 'who asks a question waits for an answer and reads what was said before it'.split(' ');
  const random = makeRandom(7);
  return Array.from({ length: 2_000 }, () => words[random(words.length)]).join(' ');
}

/** Reads a file of conversations, one JSON object a line, for the import into the chat store. */
import { createReadStream } from 'node:fs';
import type { ImportedThread } from '../chat/index.ts';
import { ValidationError, type Issue } from '../core/index.ts';

/** The roles that a turn of the file may have. */
const roles = ['user', 'assistant', 'system', 'tool'] as const;

/** The file has no times; these put its threads a minute apart and their messages a second. */
const firstThreadAt = 1_747_000_000_000;
const betweenThreads = 60_000;
const betweenMessages = 1_000;

interface Turn {
  readonly role: (typeof roles)[number];
  readonly content: string;
}

interface Conversation {
  readonly id: string;
  readonly services: readonly string[];
  readonly turns: readonly Turn[];
}

/** What the fields of a thread are called in the file. */
const fieldNames: Readonly<Record<string, string>> = {
  sourceId: 'id',
  title: 'services',
  metadata: 'services',
  messages: 'turns',
};

/**
 * A file of conversations of the form `{ id, services?, turns: [{ role, content }] }`, one a line. They are
 * read as they are needed. A thread's times follow from its place, so that a second reading gives the same
 * threads. Read it once at a time.
 */
export class ConversationFile implements AsyncIterable<ImportedThread> {
  readonly #path: string;
  #line = 0;

  /** @param path of the file; UTF-8, blank lines are passed over */
  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Reads the file from its beginning.
   *
   * @returns the threads in the order of the file
   * @throws ValidationError where a line cannot be read: it names the line, never what stands in it
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<ImportedThread> {
    this.#line = 0;
    let index = 0;
    for await (const text of readLines(this.#path)) {
      this.#line += 1;
      if (text.trim() === '') continue;
      yield threadOf(parseConversation(text, this.#line), index);
      index += 1;
    }
  }

  /**
   * Says a fault that the import found in the thread that was read last in the file's own words. The import
   * counts threads; who mends the file looks for a line.
   *
   * @param error what the import threw
   * @returns the same faults by line and field of the file; any other error as it is
   */
  locate(error: unknown): unknown {
    if (!(error instanceof ValidationError) || error.issues.some(({ path }) => path[0] !== 'threads')) {
      return error;
    }
    const issues = error.issues.map(({ path, message }) => {
      const fields = path.slice(2).map((field) => fieldNames[field] ?? field);
      return { path: [`line ${this.#line}`, ...fields], message };
    });
    return new ValidationError(issues, { cause: error });
  }
}

function threadOf({ id, services, turns }: Conversation, index: number): ImportedThread {
  const createdAt = firstThreadAt + index * betweenThreads;
  return {
    sourceId: id,
    createdAt,
    ...(services.length > 0 ? { title: services.join(', '), metadata: { services } } : {}),
    messages: turns.map(({ role, content }, position) => ({
      role,
      content,
      createdAt: createdAt + position * betweenMessages,
    })),
  };
}

function parseConversation(text: string, line: number): Conversation {
  const value = parseJson(text, line);
  const issues: Issue[] = [];
  const fault = (path: readonly (string | number)[], message: string): void => {
    issues.push({ path: [`line ${line}`, ...path], message });
  };
  const { id, services = [], turns } = isObject(value) ? value : {};
  if (!isObject(value)) fault([], 'must be a JSON object');
  else if (typeof id !== 'string' || id === '') fault(['id'], 'must be a string that is not empty');
  if (!Array.isArray(services) || services.some((service) => typeof service !== 'string')) {
    fault(['services'], 'must be a list of strings');
  }
  if (!Array.isArray(turns)) fault(['turns'], 'must be a list');
  else
    for (const [index, turn] of turns.entries())
      checkTurn(turn, (message) => fault(['turns', index], message));
  if (issues.length > 0) throw new ValidationError(issues);
  return { id, services, turns } as Conversation;
}

function checkTurn(turn: unknown, fault: (message: string) => void): void {
  const { role, content } = isObject(turn) ? turn : {};
  if (!roles.some((known) => known === role)) fault(`must have a role out of ${roles.join(', ')}`);
  if (typeof content !== 'string') fault('must have a content that is text');
}

function parseJson(text: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Without the cause: the parser's message repeats a piece of the line.
    throw new ValidationError([{ path: [`line ${line}`], message: 'is not JSON' }]);
  }
}

async function* readLines(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  try {
    for await (const chunk of createReadStream(path)) {
      const lines = (rest + decoder.decode(chunk as Buffer, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
    yield rest + decoder.decode();
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException;
    throw new ValidationError(`The file ${path} cannot be read (${code}).`, { cause });
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

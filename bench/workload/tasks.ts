import type { Contender, MessageRow, ThreadRow } from '../contender.ts';
import type { ChatState } from './chat-state.ts';
import { callsPerTurn, crowd, inBursts, inSequence, inWorkers, type Loop } from './loops.ts';

/** What is timed. */
export interface Task {
  readonly name: string;
  readonly title: string;
  /** The calls of a round come in multiples of it. */
  readonly unit: number;
  /** The task of the raw driver that it is held against; the same one where absent. */
  readonly reference?: string;
  /** Whether a contender can do it. */
  fits(contender: Contender): boolean;
  /**
   * Draws what is asked, outside of the time.
   *
   * @returns the work: how long each watched call took, in ms
   */
  prepare(state: ChatState, calls: number): (contender: Contender) => Promise<readonly number[]>;
}

interface TaskParts<Input> {
  readonly title: string;
  readonly loop?: Loop;
  readonly unit?: number;
  readonly reference?: string;
  readonly fits?: (contender: Contender) => boolean;
  readonly draw: (state: ChatState) => Input;
  readonly call: (contender: Contender, input: Input) => Promise<unknown>;
  readonly isWatched?: (input: Input) => boolean;
}

interface Append {
  readonly message: MessageRow;
  readonly thread: ThreadRow;
}

const bulkSize = 1_000;

export const tasks: readonly Task[] = [
  defineTask('key', {
    title: 'one row by key',
    draw: (state) => state.drawMessageId(),
    call: (contender, id) => contender.findMessage(id),
  }),
  defineTask('key-turn', {
    title: 'one row by key, a turn of the event loop each',
    loop: inSequence(1),
    draw: (state) => state.drawMessageId(),
    call: (contender, id) => contender.findMessage(id),
  }),
  defineTask('key-burst', {
    title: 'one row by key, 64 at once',
    unit: crowd,
    loop: inBursts,
    draw: (state) => state.drawMessageId(),
    call: (contender, id) => contender.findMessage(id),
  }),
  defineTask('thread', {
    title: 'thread + latest 50 messages',
    draw: (state) => state.drawThreadId(),
    call: (contender, id) => contender.readThread(id),
  }),
  defineTask('page', {
    title: 'keyset page of 20',
    draw: (state) => state.drawPlace(),
    call: (contender, place) => contender.pageThreads(place),
  }),
  defineTask('filter', {
    title: 'dynamic filter, 20 rows',
    draw: (state) => state.drawFilter(),
    call: (contender, filter) => contender.filterMessages(filter),
  }),
  defineTask('insert', {
    title: 'insert one',
    draw: (state) => state.makeMessage(),
    call: (contender, message) => contender.insertMessage(message),
  }),
  defineTask('transaction', {
    title: 'transaction: insert + update',
    draw: drawAppend,
    call: (contender, { message, thread }) => contender.appendMessage(message, thread),
  }),
  defineTask('batch', {
    title: 'the same as a batch',
    reference: 'transaction',
    fits: (contender) => contender.appendMessageAsBatch !== undefined,
    draw: drawAppend,
    call: (contender, { message, thread }) => contender.appendMessageAsBatch!(message, thread),
  }),
  defineTask('unit', {
    title: 'the same as a unit of work',
    reference: 'transaction',
    fits: (contender) => contender.appendMessageAsUnit !== undefined,
    draw: drawAppend,
    call: (contender, { message, thread }) => contender.appendMessageAsUnit!(message, thread),
  }),
  defineTask('bulk', {
    title: 'bulk insert 1,000',
    unit: 4,
    loop: inSequence(1),
    draw: (state) => Array.from({ length: bulkSize }, () => state.makeMessage()),
    call: (contender, messages) => contender.insertMessages(messages),
  }),
  defineTask('version', {
    title: 'update with version check',
    draw: (state) =>
      state.changeThread(({ title, updated_at }) => ({ title: `${title}.`.slice(-40), updated_at })),
    call: (contender, thread) => contender.renameThread(thread),
  }),
  defineTask('writes', {
    title: '64 single writes at once',
    unit: crowd,
    loop: inBursts,
    draw: (state) => state.makeMessage(),
    call: (contender, message) => contender.insertMessage(message),
  }),
  defineTask('mixed', {
    title: '64 workers, 80 % thread read, 20 % transaction',
    unit: 8 * crowd,
    loop: inWorkers,
    draw: (state) => (state.isOneOf(5) ? drawAppend(state) : state.drawThreadId()),
    call: (contender, input) =>
      typeof input === 'string'
        ? contender.readThread(input)
        : contender.appendMessage(input.message, input.thread),
    isWatched: (input) => typeof input === 'string',
  }),
];

function defineTask<Input>(name: string, parts: TaskParts<Input>): Task {
  const { title, reference, draw, call, loop = inSequence(), unit = callsPerTurn } = parts;
  const { fits = () => true, isWatched = () => false } = parts;
  return {
    name,
    title,
    unit,
    ...(reference !== undefined && { reference }),
    fits,
    prepare(state, calls) {
      const inputs = Array.from({ length: calls }, () => draw(state));
      return (contender) => loop(inputs, (input) => call(contender, input), isWatched);
    },
  };
}

/** A new message, and its thread moved on. */
function drawAppend(state: ChatState): Append {
  const message = state.makeMessage();
  const thread = state.changeThread(() => ({ next_seq: message.seq + 1, updated_at: message.created_at }));
  return { message: { ...message, thread_id: thread.id }, thread };
}

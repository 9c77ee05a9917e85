import type { Contender } from '../contender.ts';
import type { ChatState } from './chat-state.ts';
import { tasks } from './tasks.ts';

type Append = Contender['appendMessage'];

const callsOfEach = 16;

/**
 * Has a contender do all the work once and keeps every answer. Two contenders with states of the same seed,
 * on databases that are alike, must give the same.
 *
 * @returns one text an answer; what a write did is read back
 */
export async function collectAnswers(contender: Contender, state: ChatState): Promise<string[]> {
  const answers: string[] = [];
  const keep = (title: string, answer: unknown) => answers.push(`${title}: ${toText(answer)}`);

  for (let call = 0; call < callsOfEach; call += 1) {
    keep('by key', await contender.findMessage(state.drawMessageId()));
    keep('thread', await contender.readThread(state.drawThreadId()));
    keep('page', await contender.pageThreads(state.drawPlace()));
    keep('filter', await contender.filterMessages(state.drawFilter()));
  }
  keep('by a key that is not there', await contender.findMessage(state.makeMessage().id));

  const message = state.makeMessage();
  await contender.insertMessage(message);
  keep('inserted', await contender.findMessage(message.id));

  const many = Array.from({ length: 100 }, () => state.makeMessage());
  await contender.insertMessages(many);
  keep('inserted many', await Promise.all(many.map(({ id }) => contender.findMessage(id))));
  const [first] = many;
  keep('all or none', await isRefused(contender.insertMessages([state.makeMessage(), first!])));

  const renamed = state.changeThread(() => ({ title: 'renamed' }));
  await contender.renameThread(renamed);
  keep('renamed', await contender.readThread(renamed.id));
  keep('stale', await isRefused(contender.renameThread(renamed)));

  const inTransaction: Append = (added, thread) => contender.appendMessage(added, thread);
  const asBatch: Append = (added, thread) =>
    contender.appendMessageAsBatch?.(added, thread) ?? inTransaction(added, thread);
  const asUnit: Append = (added, thread) =>
    contender.appendMessageAsUnit?.(added, thread) ?? inTransaction(added, thread);
  for (const append of [inTransaction, asBatch, asUnit]) {
    const appended = state.makeMessage();
    const thread = state.changeThread(() => ({ next_seq: appended.seq + 1 }));
    await append({ ...appended, thread_id: thread.id }, thread);
    keep('appended', await contender.readThread(thread.id));
    keep('appended twice', await isRefused(append(appended, thread)));
    keep('after the refusal', await contender.readThread(thread.id));
  }
  const stale = state.makeMessage();
  keep('append to a stale thread', await isRefused(contender.appendMessage(stale, renamed)));
  keep('nothing of it is stored', await contender.findMessage(stale.id));

  // Whoever is quick with one call may be wrong with many.
  for (const task of tasks.filter((candidate) => candidate.fits(contender))) {
    await task.prepare(state, task.unit)(contender);
  }
  return answers;
}

/** @throws where any contender answers otherwise than the first, with the first difference of each */
export function requireSameAnswers(answers: ReadonlyMap<string, readonly string[]>): void {
  const [[firstName, expected] = ['', []], ...others] = answers;
  const faults = others.flatMap(([name, actual]) => {
    const index = expected.findIndex((answer, number) => answer !== actual[number]);
    if (index < 0) return [];
    return [`${name}: ${actual[index]}\n  where ${firstName} has\n  ${expected[index]}`];
  });
  if (faults.length > 0) throw new Error(`Contenders answer differently.\n${faults.join('\n')}`);
}

async function isRefused(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return false;
  } catch {
    return true;
  }
}

/** The order of columns is no difference. */
function toText(answer: unknown): string {
  return JSON.stringify(answer ?? null, (_, value: unknown) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1)))
      : value,
  );
}

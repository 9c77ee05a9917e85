/** Random calls of a user's chat on behalf of one user among several, and what they let through. */
import type { Transaction } from 'kysely';
import type { ChatDatabase } from '../../src/chat/chat-database.ts';
import type { ChatStore, ScopedChat, UserId } from '../../src/chat/index.ts';
import {
  ForbiddenError,
  NotFoundError,
  StaleEntityError,
  UniqueViolationError,
} from '../../src/core/index.ts';
import { integerBetween, seededRandom } from '../support/seeded-random.ts';
import { calls, type Outcome } from './chat-border-calls.ts';
import { isWorthAsking, plantWorld, readWorld, rowsOfOthers, type World } from './chat-border-world.ts';

/** How the fuzz calls. */
export interface FuzzOptions {
  /** The doors that are called, such as `threads.findMany`. */
  readonly doors: readonly string[];
  readonly count: number;
  readonly seed: number;
  /** The chat that is called on behalf of a user. */
  readonly chatOf: (user: UserId) => ScopedChat;
  /** Whether it ends at the first leak. */
  readonly untilLeak?: boolean;
}

type Handle = Transaction<ChatDatabase> | undefined;

/** What a call may be refused by. */
const refusals = [ForbiddenError, NotFoundError, StaleEntityError, UniqueViolationError];

/** Makes random calls and gives back what crossed the border, a line each; none where it holds. */
export async function findLeaks(store: ChatStore, options: FuzzOptions): Promise<string[]> {
  const { doors, count, seed, chatOf, untilLeak = false } = options;
  const random = seededRandom(seed);
  const pick = <Value>(values: readonly Value[]): Value => values[integerBetween(random, 0, values.length)]!;
  const leaks: string[] = [];
  let world = await plantWorld(store);
  for (let left = count; left > 0 && !(untilLeak && leaks.length > 0); left -= 1) {
    const door = pick(doors);
    const me = pick(world.users);
    const run = (on: Handle) => {
      const transaction = <Result>(work: (tx: Transaction<ChatDatabase>) => Promise<Result>) =>
        on === undefined ? store.provider.transaction(work) : work(on);
      return calls[door]!({ chat: chatOf(me), me, world, on, transaction, pick });
    };
    // An import takes part in no transaction of a caller.
    const way =
      door === 'conversations.importThreads' ? 'alone' : pick(['alone', 'alone', 'transaction', 'unit']);
    let outcome: Outcome | undefined;
    try {
      if (way === 'alone') outcome = await run(undefined);
      else if (way === 'transaction') outcome = await store.provider.transaction(run);
      else outcome = await store.unitOfWork.run(({ db }) => run(db));
    } catch (error) {
      if (!refusals.some((refusal) => error instanceof refusal)) throw new Error(door, { cause: error });
    }
    const after = await readWorld(store);
    if (outcome !== undefined)
      leaks.push(...leaksOf(outcome, me, [world, after]).map((leak) => `${door}: ${leak}`));
    const isUntouched = rowsOfOthers(world, me) === rowsOfOthers(after, me);
    if (!isUntouched) leaks.push(`${door}: changed what is not its own`);
    world = isUntouched && isWorthAsking(after) ? after : await plantWorld(store);
  }
  return leaks;
}

function leaksOf(outcome: Outcome, me: UserId, worlds: readonly World[]): string[] {
  if ('told' in outcome) {
    return outcome.told === outcome.expected ? [] : [`told ${String(outcome.told)}`];
  }
  const { saw, of } = outcome;
  const ownThreads = new Set(
    worlds.flatMap(({ items }) =>
      items.threads.filter(({ owner }) => owner === me).map(({ row }) => row['id']),
    ),
  );
  const isOwn = (entity: unknown) => {
    const { id, userId, ownerId, threadId } = entity as Readonly<Record<string, unknown>>;
    if (of === 'users') return id === me;
    if (of === 'threads') return ownerId === me;
    return of === 'messages' ? ownThreads.has(threadId) : userId === me;
  };
  return saw.every(isOwn) ? [] : ["saw somebody else's"];
}

import type { Kysely } from 'kysely';
import type { Clock } from '../foundation/clock.ts';
import type { MessageClaims } from './message-claims.ts';
import type { ClaimedMessage } from './outbox-message.ts';
import type { OutboxTables } from './outbox-tables.ts';

/** What a look for messages has brought. */
export interface ClaimRound {
  /** How many messages were leased. */
  readonly taken: number;
  /** Whether there are keys that were not looked at yet, in this look or one before it, since it was to start over. */
  readonly isPartial: boolean;
}

/** Gets messages as soon as they are leased: the next claim of the same look may fail. */
export type TakeOn = (claimed: readonly ClaimedMessage[]) => void;

/** How far the keys of a topic were looked at, which may be more than one look can read. */
interface Lap {
  /** The key behind which the next look begins. */
  readonly after: string;
  /** Whether every key before it was looked at too. */
  readonly isWhole: boolean;
}

/** How many heads are looked at for each place that is to be filled, and at least. */
const headsPerPlace = 4;
const fewestHeads = 100;

/**
 * Shares out what a relay can deliver: every topic gets its part, and within a topic the keys get theirs in turn.
 * So neither a long backlog nor a failing topic keeps the others waiting.
 */
export class FairClaims {
  readonly #claims: MessageClaims;
  readonly #topics: ReadonlySet<string> | undefined;
  readonly #clock: Clock;
  /** Those of the topics that the last look did not come to the end of. */
  readonly #laps = new Map<string, Lap>();
  /** The topics of which every key was looked at. */
  readonly #seen = new Set<string>();
  #turn = 0;

  /** @param topics the only ones to take; undefined for all */
  constructor(claims: MessageClaims, topics: ReadonlySet<string> | undefined, clock: Clock) {
    this.#claims = claims;
    this.#topics = topics;
    this.#clock = clock;
  }

  /** Has every key looked at anew, since any may be due by now. Each topic goes on from where it was. */
  startOver(): void {
    this.#seen.clear();
    for (const [topic, { after }] of this.#laps) this.#laps.set(topic, { after, isWhole: false });
  }

  /** @param room how many messages to lease at most */
  async take(db: Kysely<OutboxTables>, room: number, takeOn: TakeOn): Promise<ClaimRound> {
    const found = await this.#claims.findTopics(db);
    const topics = found.filter((topic) => this.#topics?.has(topic) ?? true);
    this.#turn += 1;
    const first = topics.length === 0 ? 0 : this.#turn % topics.length;
    let taken = 0;
    for (const [index, topic] of [...topics.slice(first), ...topics.slice(0, first)].entries()) {
      const share = Math.ceil((room - taken) / (topics.length - index));
      if (share === 0) break;
      taken += await this.#takeOf(db, topic, share, takeOn);
    }
    // Topics of many keys come to their ends at different times; together they have when the last one has.
    const isPartial = topics.some((topic) => !this.#seen.has(topic));
    if (!isPartial) this.#seen.clear();
    return { taken, isPartial };
  }

  async #takeOf(db: Kysely<OutboxTables>, topic: string, share: number, takeOn: TakeOn): Promise<number> {
    const keyed = (room: number) => this.#claimKeyed(db, topic, room);
    const keyless = (room: number) => this.#claims.claimKeyless(db, topic, room, this.#clock.now());
    let taken = 0;
    // Turn about, so that neither kind waits for the end of the other's backlog.
    for (const claim of this.#turn % 2 === 0 ? [keyed, keyless] : [keyless, keyed]) {
      if (taken === share) break;
      const claimed = await claim(share - taken);
      taken += claimed.length;
      takeOn(claimed);
    }
    return taken;
  }

  async #claimKeyed(db: Kysely<OutboxTables>, topic: string, room: number): Promise<ClaimedMessage[]> {
    const limit = Math.max(fewestHeads, room * headsPerPlace);
    const lap = this.#laps.get(topic) ?? { after: '', isWhole: true };
    let { isWhole } = lap;
    const heads = await this.#claims.findHeads(db, topic, lap.after, limit);
    let isEnd = heads.length < limit;
    if (isEnd && !isWhole) {
      const known = new Set(heads.map(({ id }) => id));
      const fromStart = await this.#claims.findHeads(db, topic, '', limit);
      heads.push(...fromStart.filter(({ id }) => !known.has(id)));
      isWhole = true;
      isEnd = fromStart.length < limit;
    }
    const now = this.#clock.now();
    const due = heads.filter((head) => head.lease_owner === null && head.available_at <= now);
    const wanted = due.slice(0, room);
    if (due.length > room) {
      this.#seen.delete(topic);
      this.#laps.set(topic, { after: wanted.at(-1)?.key ?? '', isWhole: lap.isWhole });
    } else if (isEnd) {
      this.#seen.add(topic);
      this.#laps.delete(topic);
    } else {
      this.#laps.set(topic, { after: heads.at(-1)?.key ?? '', isWhole });
    }
    if (wanted.length === 0) return [];
    return this.#claims.claimByIds(
      db,
      wanted.map(({ id }) => id),
      now,
    );
  }
}

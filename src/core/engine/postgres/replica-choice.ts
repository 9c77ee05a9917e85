import type { Clock } from '../../foundation/clock.ts';
import { within } from '../../foundation/within.ts';
import type { PostgresReplica } from './postgres-replica.ts';
import type { WritePosition } from './write-position.ts';

/** The longest that a reader waits for a replica to be found, in ms; then it reads from the primary. */
const choiceLimit = 40;

/** Finds a replica that has what was written through this provider, the least busy one first. */
export class ReplicaChoice {
  readonly #replicas: readonly PostgresReplica[];
  readonly #position: WritePosition;
  readonly #clock: Clock;

  constructor(replicas: readonly PostgresReplica[], position: WritePosition, clock: Clock) {
    this.#replicas = replicas;
    this.#position = position;
    this.#clock = clock;
  }

  /** The replica to read from, where one is known to be ready without asking anybody. */
  findReady(): PostgresReplica | undefined {
    const floor = this.#position.known;
    return floor === undefined ? undefined : this.#findReady(floor);
  }

  /**
   * The same, after asking the primary how far a replica has to be and the replicas how far they are.
   *
   * @returns undefined where none is ready in time: then the primary is to be read. Never rejects.
   */
  async find(): Promise<PostgresReplica | undefined> {
    const finding = this.#ask().catch(() => undefined);
    return within(this.#clock, choiceLimit, finding);
  }

  async #ask(): Promise<PostgresReplica | undefined> {
    const floor = await this.#position.ask();
    const ready = this.#findReady(floor);
    if (ready !== undefined) return ready;
    const caughtUp = this.#replicas.map(async (replica) => {
      if (await replica.catchUp(floor)) return replica;
      throw new Error('It is behind.');
    });
    return Promise.any(caughtUp);
  }

  #findReady(floor: bigint): PostgresReplica | undefined {
    let best: PostgresReplica | undefined;
    for (const replica of this.#replicas) {
      if (replica.isReady(floor) && (best === undefined || replica.inFlight < best.inFlight)) best = replica;
    }
    return best;
  }
}

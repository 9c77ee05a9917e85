import type { PostgresPool } from './postgres-pool.ts';
import type { PostgresSession } from './postgres-session.ts';

/** A place in the write-ahead log, as a number of bytes from its beginning. */
export type LogPosition = bigint;

/** The longest that the primary may take to say where its log ends, in ms. */
const answerLimit = 1_000;

/**
 * Where the log of the primary ended after the last write through this provider. It is asked for when somebody
 * wants to read elsewhere, and not by those who write.
 */
export class WritePosition {
  readonly #primary: PostgresPool;
  /** How many works have ended here that may have written. */
  #writes = 0;
  #known: { readonly writes: number; readonly position: LogPosition } = { writes: 0, position: 0n };
  #asking: { readonly writes: number; readonly answer: Promise<LogPosition> } | undefined;

  constructor(primary: PostgresPool) {
    this.#primary = primary;
  }

  /** Call it when a work has ended that may have written, before its caller hears of the end. */
  noteWrite(): void {
    this.#writes += 1;
  }

  /** The position, where it is known for all that was written so far; from 0, before any write. */
  get known(): LogPosition | undefined {
    return this.#known.writes === this.#writes ? this.#known.position : undefined;
  }

  /**
   * Asks the primary where its log ends. Callers who come at the same time share the answer, unless somebody
   * has written since it was asked for.
   *
   * @throws ConnectionError, or whatever keeps the primary from answering
   */
  ask(): Promise<LogPosition> {
    const { known } = this;
    if (known !== undefined) return Promise.resolve(known);
    const writes = this.#writes;
    if (this.#asking?.writes === writes) return this.#asking.answer;
    const answer = this.#askPrimary().then((position) => {
      // An answer that was overtaken by a later one must not bring the position back.
      if (writes >= this.#known.writes) this.#known = { writes, position };
      return position;
    });
    this.#asking = { writes, answer };
    const end = () => {
      if (this.#asking?.answer === answer) this.#asking = undefined;
    };
    answer.then(end, end);
    return answer;
  }

  async #askPrimary(): Promise<LogPosition> {
    const session = this.#primary.tryAcquire() ?? (await this.#primary.acquire());
    try {
      return await readLogEnd(session);
    } finally {
      this.#primary.release(session);
    }
  }
}

/**
 * Asks a primary where its log ends: what is inserted and not what is flushed, since with synchronous_commit off a
 * commit is told before its flush.
 */
export async function readLogEnd(session: PostgresSession): Promise<LogPosition> {
  const { rows } = await session.run({
    text: `select (pg_current_wal_insert_lsn() - '0/0')::text as position`,
    values: [],
    prepare: true,
    limit: answerLimit,
  });
  return BigInt(rows[0]?.['position'] as string);
}

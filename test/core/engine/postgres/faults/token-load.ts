/**
 * A load in which each call asks for something that nobody else does, so that an answer which reaches the
 * wrong caller, or comes in part, is found out; and a ledger of what was acknowledged.
 */
import { randomUUID } from 'node:crypto';
import type { DatabaseProvider } from '../../../../../src/core/index.ts';
import { LiminalDataError } from '../../../../../src/core/index.ts';
import { runningTime } from '../../../../support/running-time.ts';

export interface TokenTables {
  tokens: { token: string };
}

/** Calls that are counted and timed apart, since each has a bound of its own. */
export type CallKind = 'read' | 'write' | 'transaction' | 'batch';

/** What a load found. */
export interface LoadReport {
  /** Calls that succeeded. */
  readonly done: number;
  /** Answers that were not the caller's own, or not whole. */
  readonly wrong: readonly string[];
  /** The codes of the errors that came out, and how often. */
  readonly failures: ReadonlyMap<string, number>;
  /** Errors that are none of the library's tree. */
  readonly strange: readonly unknown[];
  /** The longest call of each kind, in ms. */
  readonly longest: Readonly<Record<CallKind, number>>;
  /** Tokens whose write was acknowledged. */
  readonly acknowledged: ReadonlySet<string>;
}

/** How many rows a read asks for: enough for an answer to be cut in its midst. */
const rowsOfRead = 20;

export async function createTokens(provider: DatabaseProvider<TokenTables>): Promise<void> {
  for (const statement of tokenStatements) await provider.exec(statement);
}

/** Without a unique index: a write that is applied twice has to show. */
export const tokenStatements = [
  'drop table if exists tokens',
  'create table tokens (token text not null)',
] as const;

/** Asks for rows that hold the token. @returns what is wrong with them; undefined where nothing is */
async function readToken(
  provider: DatabaseProvider<TokenTables>,
  token: string,
): Promise<string | undefined> {
  const rows = await provider.query<{ token: string; n: number }>(
    `select ?::text as token, n::integer as n from generate_series(1, ${rowsOfRead}) as n`,
    [token],
  );
  if (rows.length !== rowsOfRead) return `${rows.length} rows in place of ${rowsOfRead}`;
  const isOwn = rows.every((row, index) => row.token === token && row.n === index + 1);
  return isOwn ? undefined : `the answer of somebody else`;
}

/** Callers that go on calling until they are stopped. */
export class TokenLoad {
  readonly #provider: DatabaseProvider<TokenTables>;
  readonly #workers: Promise<void>[];
  readonly #wrong: string[] = [];
  readonly #failures = new Map<string, number>();
  readonly #strange: unknown[] = [];
  readonly #longest: Record<CallKind, number> = { read: 0, write: 0, transaction: 0, batch: 0 };
  readonly #acknowledged = new Set<string>();
  #done = 0;
  #isOver = false;

  /**
   * @param workers how many call at once
   * @param kinds what they call, in turn
   */
  constructor(
    provider: DatabaseProvider<TokenTables>,
    workers: number,
    kinds: readonly CallKind[] = ['read', 'transaction', 'read', 'write'],
  ) {
    this.#provider = provider;
    this.#workers = Array.from({ length: workers }, (_, worker) => this.#work(kinds, worker));
  }

  /** How many calls have succeeded so far. */
  get done(): number {
    return this.#done;
  }

  /** How many calls have failed so far. */
  get failed(): number {
    return [...this.#failures.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Lets every caller end the call that it is in. */
  async stop(): Promise<LoadReport> {
    this.#isOver = true;
    await Promise.all(this.#workers);
    return {
      done: this.#done,
      wrong: this.#wrong,
      failures: this.#failures,
      strange: this.#strange,
      longest: this.#longest,
      acknowledged: this.#acknowledged,
    };
  }

  async #work(kinds: readonly CallKind[], worker: number): Promise<void> {
    for (let turn = worker; !this.#isOver; turn += 1) {
      const kind = kinds[turn % kinds.length] ?? 'read';
      const start = runningTime();
      try {
        await this.#call(kind, randomUUID());
        this.#done += 1;
      } catch (error) {
        this.#note(error);
        // A server that is away refuses at once: whoever calls again at once would only heat the machine.
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      this.#longest[kind] = Math.max(this.#longest[kind], runningTime() - start);
    }
  }

  #call(kind: CallKind, token: string): Promise<void> {
    switch (kind) {
      case 'read':
        return this.#read(token);
      case 'write':
        return this.#write(token);
      case 'transaction':
        return this.#transaction(token);
      case 'batch':
        return this.#batch(token);
    }
  }

  async #read(token: string): Promise<void> {
    const fault = await readToken(this.#provider, token);
    if (fault !== undefined) this.#wrong.push(fault);
  }

  async #write(token: string): Promise<void> {
    await this.#provider.exec('insert into tokens (token) values (?)', [token]);
    this.#acknowledged.add(token);
  }

  async #transaction(token: string): Promise<void> {
    const rows = await this.#provider.transaction(async (tx) => {
      await tx.insertInto('tokens').values({ token }).execute();
      return tx.selectFrom('tokens').select('token').where('token', '=', token).execute();
    });
    this.#acknowledged.add(token);
    if (rows.length !== 1 || rows[0]?.token !== token) this.#wrong.push('a transaction did not see its own');
  }

  async #batch(token: string): Promise<void> {
    const { db } = this.#provider;
    const insert = db.insertInto('tokens').values({ token });
    const select = db.selectFrom('tokens').select('token').where('token', '=', token);
    const [, rows] = await this.#provider.batch([insert, select]);
    this.#acknowledged.add(token);
    if (rows.length !== 1 || rows[0]?.token !== token) this.#wrong.push('a batch did not see its own');
  }

  #note(error: unknown): void {
    if (!(error instanceof LiminalDataError)) this.#strange.push(error);
    const code = error instanceof LiminalDataError ? error.code : 'none of ours';
    this.#failures.set(code, (this.#failures.get(code) ?? 0) + 1);
  }
}

/**
 * Judges a ledger against the table.
 *
 * @param stored every token that is in the table
 * @returns acknowledged tokens that are missing, and tokens that are there more than once
 */
export function judgeTokens(
  stored: readonly string[],
  acknowledged: ReadonlySet<string>,
): { lost: string[]; doubled: string[] } {
  const seen = new Set<string>();
  const doubled = stored.filter((token) => seen.has(token) || !seen.add(token));
  return { lost: [...acknowledged].filter((token) => !seen.has(token)), doubled };
}

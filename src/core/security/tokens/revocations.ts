import { sql, type Kysely } from 'kysely';
import type { Subscription } from '../../engine/notifications.ts';
import { systemClock, type Clock } from '../../foundation/clock.ts';
import { ConfigurationError } from '../../foundation/errors/configuration-error.ts';
import type { Issue } from '../../foundation/issue.ts';
import { afterCommitOf } from '../../provider/transaction-hooks.ts';
import { outside } from '../../provider/transaction-context.ts';
import { checkWhole } from './check-whole.ts';
import { deleteExpired } from './delete-expired.ts';
import { RevocationMemory, type RevocableToken, type Revocation } from './revocation-memory.ts';
import type { TokenCallOptions, TokenProvider } from './token-provider.ts';
import { tokenTablesOf, type TokenTables } from './token-tables.ts';

/** How revocations reach other processes. Times in ms. */
export interface RevocationsOptions {
  /**
   * How old what this process knows may be when it accepts a token, from 0 to 60,000. A revocation of another process
   * holds after that time at the latest; on Postgres it is heard at once, where `listen` is on. 5,000 by default.
   */
  readonly maxAge?: number;
  /** Listens to what other processes revoke, where the engine can; it holds a connection. Off by default. */
  readonly listen?: boolean;
  /** Where time comes from; the machine's by default. */
  readonly clock?: Clock;
}

/** A revocation with its number, which grows in the order of the commits. */
interface StoredRevocation extends Revocation {
  readonly seq: number;
}

const channel = 'liminal_token_revocations';
const portion = 1_000;

/**
 * Tokens that are revoked before their time: in the database, and in the memory of each process. It polls on demand:
 * who verifies a token while the last look is older than `maxAge` looks first, and where the database does not
 * answer the token is not accepted. There is no timer.
 *
 * @example
 * const revocations = new Revocations(provider, { maxAge: 2_000 });
 */
export class Revocations {
  readonly #provider: TokenProvider;
  readonly #clock: Clock;
  readonly #maxAge: number;
  readonly #memory = new RevocationMemory();
  readonly #subscription: Subscription | undefined;
  /** The newest row that was read. */
  #newest: StoredRevocation | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;
  /** How often others have said that there is something new. */
  #calls = 0;

  /**
   * @param provider the database, with the tables of `tokenMigrations`
   * @param options how old what is known may be
   * @throws ConfigurationError where `maxAge` is out of its range
   */
  constructor(provider: TokenProvider, options: RevocationsOptions = {}) {
    const { maxAge = 5_000, listen = false, clock = systemClock } = options;
    const issues: Issue[] = [];
    checkWhole(issues, ['maxAge'], maxAge, 0, 60_000);
    if (issues.length > 0) throw new ConfigurationError(issues);
    this.#provider = provider;
    this.#clock = clock;
    this.#maxAge = maxAge;
    const forget = () => {
      this.#calls += 1;
      this.#lookedAt = Number.NEGATIVE_INFINITY;
    };
    this.#subscription = listen
      ? provider.listen?.(channel, { onNotification: forget, onGap: forget })
      : undefined;
  }

  /** How many revocations this process knows. */
  get size(): number {
    return this.#memory.size;
  }

  /**
   * Revokes what is meant until every such token is past its time. In this process it holds when the promise
   * resolves, or when the caller's transaction has committed.
   *
   * @param revocation of what, and until when
   * @param options in which transaction; others that revoke wait for its end
   * @throws the errors of a statement
   */
  async add(revocation: Revocation, { on }: TokenCallOptions = {}): Promise<void> {
    if (on === undefined) {
      const work = (tx: object) => this.#insert(tx, revocation);
      this.#memory.add(await this.#provider.transaction(work, { isolation: 'read committed', retry: true }));
      return;
    }
    const stored = await this.#insert(on, revocation);
    afterCommitOf(on as Kysely<never>, () => this.#memory.add(stored));
  }

  /**
   * Tells whether a token is revoked, by what this process knows; call `catchUp` before.
   *
   * @param token what of it may be revoked
   * @returns whether it is; it never throws
   */
  isRevoked(token: RevocableToken): boolean {
    return this.#memory.has(token);
  }

  /**
   * Until when tokens of a subject are revoked, by the database.
   *
   * @param subject the id of the user or service
   * @param options in which transaction it is asked, which sees what that one has revoked
   * @returns in ms since the Unix epoch; undefined where none are
   * @throws the errors of a statement
   */
  async issuedUntil(
    subject: string,
    { on = this.#provider.db }: TokenCallOptions = {},
  ): Promise<number | undefined> {
    const latest = await tokenTablesOf(on)
      .selectFrom('token_revocations')
      .select('issued_until')
      .where('kind', '=', 'subject')
      .where('value', '=', subject)
      .orderBy('issued_until', 'desc')
      .limit(1)
      .executeTakeFirst();
    return latest?.issued_until;
  }

  /**
   * Looks at what was revoked since, where the last look is older than `maxAge`. Call it outside of transactions.
   *
   * @throws the errors of a statement
   */
  async catchUp(): Promise<void> {
    if (!this.#isOld()) return;
    const underWay = this.#looking;
    if (underWay !== undefined) {
      // It may have begun before what the caller must not miss.
      await underWay;
      if (!this.#isOld()) return;
    }
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    await this.#looking;
  }

  /**
   * Deletes the revocations that mean no token any more.
   *
   * @returns how many were deleted
   * @throws the errors of a statement
   */
  async prune(): Promise<number> {
    const now = this.#clock.now();
    this.#memory.prune(now);
    return deleteExpired(this.#provider, 'token_revocations', 'seq', now);
  }

  /** Ends listening. Tokens are verified on, by looking. */
  close(): void {
    this.#subscription?.close();
  }

  #isOld(): boolean {
    return this.#clock.monotonic() - this.#lookedAt >= this.#maxAge;
  }

  async #insert(tx: object, revocation: Revocation): Promise<Revocation> {
    const tables = tokenTablesOf(tx);
    // Its row stays locked until the transaction ends, so that numbers grow in the order of the commits, and whoever
    // reads behind a number misses none.
    const { last_seq: seq } = await tables
      .insertInto('token_revocation_counter')
      .values({ name: 'all', last_seq: 1 })
      .onConflict((conflict) =>
        conflict.column('name').doUpdateSet({ last_seq: sql`token_revocation_counter.last_seq + 1` }),
      )
      .returning('last_seq')
      .executeTakeFirstOrThrow();
    const stored = await this.#behindEarlier(tx, revocation);
    const insert = tables.insertInto('token_revocations').values({ seq, ...stored });
    const notify = this.#provider.sql.notify?.(channel, '');
    await (notify === undefined ? insert : insert.returning(notify.as('notified'))).execute();
    return stored;
  }

  /** What was issued behind an earlier revocation counts as later than that; this one must mean it all the same. */
  async #behindEarlier(tx: object, revocation: Revocation): Promise<Revocation> {
    if (revocation.kind !== 'subject') return revocation;
    const earlier = (await this.issuedUntil(revocation.value, { on: tx })) ?? 0;
    return { ...revocation, issued_until: Math.max(revocation.issued_until, earlier + 1) };
  }

  async #look(): Promise<void> {
    const startedAt = this.#clock.monotonic();
    const calls = this.#calls;
    // What is verified inside of a transaction must see what others have committed since.
    await outside(() => this.#read(tokenTablesOf(this.#provider.db)));
    this.#memory.prune(this.#clock.now());
    // Who called meanwhile may mean what this look has not seen.
    if (calls === this.#calls) this.#lookedAt = startedAt;
  }

  async #read(tables: Kysely<TokenTables>): Promise<void> {
    let rows = await readFrom(tables, this.#newest?.seq ?? 0);
    if (this.#newest !== undefined && !isSameRow(this.#newest, rows[0])) {
      // The row is gone. It was pruned, or the database was restored from an older backup, has gone on from there, and
      // has given its number to another one. All is read again; what is known stays known.
      this.#newest = undefined;
      rows = await readFrom(tables, 0);
    }
    for (;;) {
      for (const { seq: _seq, ...revocation } of rows) this.#memory.add(revocation);
      this.#newest = rows.at(-1) ?? this.#newest;
      if (rows.length < portion || this.#newest === undefined) return;
      rows = await readFrom(tables, this.#newest.seq + 1);
    }
  }
}

function readFrom(tables: Kysely<TokenTables>, seq: number): Promise<StoredRevocation[]> {
  return tables
    .selectFrom('token_revocations')
    .select(['seq', 'kind', 'value', 'issued_until', 'expires_at'])
    .where('seq', '>=', seq)
    .orderBy('seq')
    .limit(portion)
    .execute();
}

function isSameRow(one: StoredRevocation, other: StoredRevocation | undefined): boolean {
  return (
    one.seq === other?.seq &&
    one.kind === other.kind &&
    one.value === other.value &&
    one.issued_until === other.issued_until &&
    one.expires_at === other.expires_at
  );
}

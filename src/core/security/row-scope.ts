import type { Kysely, Transaction } from 'kysely';
import type { SqlVocabulary } from '../engine/sql-vocabulary.ts';
import { NotNullViolationError } from '../foundation/errors/constraint-errors.ts';
import { NotFoundError } from '../foundation/errors/entity-errors.ts';
import { ForbiddenError } from '../foundation/errors/security-errors.ts';
import { noteOriginal } from '../query/confined-handle.ts';
import type { RepositoryProvider } from '../repository/repository-provider.ts';
import type { TransactionalProvider } from '../transaction/transactional-provider.ts';
import { actorId, type ActorSource } from './actor-id.ts';
import { isParentRule } from './own-rows.ts';
import { RowBorder } from './row-border.ts';
import type { RowRules } from './row-rule.ts';

/** What a scope goes by. */
export interface RowScopeOptions {
  /** Which rows are whose, by table. A table without a rule is closed. */
  readonly rules: RowRules;
  /** Whose rows are meant: an id, or a function that is asked at every call; `currentActor()?.id` by default. */
  readonly actor?: ActorSource | undefined;
}

/**
 * The methods of an object that works within a scope. The ways to its handle and past the border are not among
 * them.
 *
 * @typeParam Inner a repository, or a service
 */
export type Offered<Inner> = {
  readonly [Name in keyof Inner as Name extends 'rebind' | 'table' ? never : Name]: Inner[Name];
};

/**
 * The rows of an actor over several tables, for whoever offers repositories and services within them. Everything
 * is made on `provider(…)`, whose statements meet the actor's rows alone, and handed out by `offer(…)`, which
 * brings the callers' transactions behind the same border.
 *
 * It reads the trees of Kysely's statements. The text of a `sql` fragment it takes as it is, so that none may be
 * made of input. Constraints see all rows: who stores an id or a unique value that somebody else has, hears of it.
 *
 * @example
 * const scope = new RowScope({
 *   rules: {
 *     threads: { column: 'owner_id' },
 *     messages: { column: 'thread_id', parent: 'threads' },
 *   },
 *   actor: userId,
 * });
 * const messages = scope.offer(new MessageRepository(scope.provider(provider)));
 */
export class RowScope {
  readonly #rules: RowRules;
  readonly #border: RowBorder;
  readonly #actor: () => string;

  /** @param options the rules, and whose rows are meant */
  constructor({ rules, actor }: RowScopeOptions) {
    this.#rules = rules;
    this.#actor = () => actorId(actor);
    this.#border = new RowBorder(rules, this.#actor);
  }

  /**
   * Puts the border in front of a provider.
   *
   * @param target a provider, or a unit of work
   * @returns one for repositories and services, whose transactions take the options that the target's take; not for
   *   strangers, since Kysely hands out a handle without plugins
   */
  provider<DB, Options extends readonly unknown[]>(
    target: TransactionalProvider<DB, Options>,
  ): TransactionalProvider<DB, Options> {
    return this.target(target) as TransactionalProvider<DB, Options>;
  }

  /**
   * Puts the border in front of what repositories need.
   *
   * @param target a provider, or its `db` and `sql`
   * @returns one for repositories; not for strangers
   */
  target<DB>(target: RepositoryProvider<DB>): RepositoryProvider<DB> {
    const { db, sql, shared, writes } = target;
    const confined = {
      db: this.#confine(db),
      sql: this.#hasParents() ? withMaxParameters(sql, Math.min(sql.maxParameters, manyParameters)) : sql,
      shared,
      writes,
    };
    const own = target as Partial<TransactionalProvider<DB, readonly unknown[]>>;
    if (own.transaction === undefined) return confined;
    const transaction: TransactionalProvider<DB, readonly unknown[]>['transaction'] = (work, ...options) =>
      own.transaction!((tx) => work(this.#confine(tx) as Transaction<DB>), ...options);
    return { ...confined, transaction } as RepositoryProvider<DB>;
  }

  /**
   * Offers an object to callers: its public methods alone, each of which first asks for the actor, and takes
   * handles such as `{ on: tx }` behind the border.
   *
   * @param inner a repository or a service, made on `provider(…)` or `target(…)`
   * @returns a frozen object of the same methods
   */
  offer<Inner extends object>(inner: Inner): Offered<Inner> {
    const offered: Record<string, unknown> = {};
    for (const name of methodsOf(inner)) {
      const method = Reflect.get(inner, name) as (...args: unknown[]) => unknown;
      offered[name] = (...args: unknown[]) => {
        const result = this.#call(method, inner, args);
        return result instanceof Promise
          ? result.catch((error: unknown) => this.#explain(error, name))
          : result;
      };
    }
    return Object.freeze(offered) as Offered<Inner>;
  }

  #hasParents(): boolean {
    return Object.values(this.#rules).some(isParentRule);
  }

  #call(method: (...args: unknown[]) => unknown, inner: object, args: readonly unknown[]): unknown {
    this.#actor();
    return method.apply(
      inner,
      args.map((arg) => this.#confineArgument(arg)),
    );
  }

  // The database has refused what was somebody else's; its own words would only say that something is missing.
  #explain(error: unknown, method: string): never {
    const isForeignRow = method === 'upsert' && error instanceof NotFoundError;
    if (!isForeignRow && !isForeignParent(error, this.#rules)) throw error;
    throw new ForbiddenError(
      "What was to be stored meets or refers to a row that is not the actor's; nothing was stored. Use another key, or a row of the actor.",
      { cause: error },
    );
  }

  #confineArgument(arg: unknown): unknown {
    if (isHandle(arg)) return this.#confine(arg);
    if (typeof arg !== 'object' || arg === null || !('on' in arg)) return arg;
    const { on } = arg;
    return isHandle(on) ? { ...arg, on: this.#confine(on) } : arg;
  }

  #confine<DB>(handle: Kysely<DB>): Kysely<DB> {
    const confined = handle.withPlugin(this.#border);
    noteOriginal(confined, handle);
    return confined;
  }
}

// Each row that belongs through others asks for its parent, and SQLite takes a time for the statement that grows with
// the square of their number: 4,000 rows take 25 times as long as 1,000 do.
const manyParameters = 1_000;

// What is for subclasses, and what leads past the border.
const inside: ReadonlySet<string> = new Set(['constructor', 'database', 'runner', 'changed', 'rebind']);

function methodsOf(inner: object): Set<string> {
  const names = new Set<string>();
  let prototype: unknown = Object.getPrototypeOf(inner);
  while (typeof prototype === 'object' && prototype !== null && prototype !== Object.prototype) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (typeof value === 'function' && !inside.has(name)) names.add(name);
    }
    prototype = Object.getPrototypeOf(prototype);
  }
  return names;
}

function isHandle(value: unknown): value is Kysely<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'getExecutor' in value &&
    'withPlugin' in value &&
    typeof value.withPlugin === 'function'
  );
}

function withMaxParameters(sql: SqlVocabulary, maxParameters: number): SqlVocabulary {
  return Object.create(sql, { maxParameters: { value: maxParameters, enumerable: true } }) as SqlVocabulary;
}

// A foreign parent is not found among the actor's own, and becomes NULL in its column.
function isForeignParent(error: unknown, rules: RowRules): boolean {
  if (!(error instanceof NotNullViolationError)) return false;
  return Object.values(rules).some((rule) => isParentRule(rule) && error.columns.includes(rule.column));
}

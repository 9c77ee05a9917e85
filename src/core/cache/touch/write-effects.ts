import type { QueryExecutorProvider, RawBuilder } from 'kysely';
import type { RelationFact } from '../../engine/relation-fact.ts';
import { outside } from '../../provider/transaction-context.ts';
import { tableName } from '../tags.ts';
import type { TableWrite } from './touch.ts';

/** Where relations are read from. */
export interface RelationSource {
  readonly db: QueryExecutorProvider;
  readonly sql: { relations?(): RawBuilder<RelationFact> };
}

/** How writes reach other tables. */
export interface WriteEffectsOptions {
  /**
   * The tables that the triggers of a table change, by its name. A table that has triggers and is not named may change
   * any other one.
   */
  readonly triggers?: Readonly<Record<string, readonly string[]>>;
}

interface Reference {
  readonly child: string;
  /** Which columns of the parent it refers to; undefined where one of them is not known. */
  readonly columns: ReadonlySet<string> | undefined;
  readonly followsDelete: boolean;
  readonly followsUpdate: boolean;
}

interface Relations {
  readonly tables: ReadonlySet<string>;
  readonly triggered: ReadonlySet<string>;
  readonly replacing: ReadonlySet<string>;
  readonly computed: ReadonlySet<string>;
  /** The columns of each table whose values tell nothing; null is all of them. */
  readonly blurred: ReadonlyMap<string, ReadonlySet<string | null>>;
  readonly kin: ReadonlyMap<string, ReadonlySet<string>>;
  readonly references: ReadonlyMap<string, readonly Reference[]>;
}

type Write = Pick<TableWrite, 'table' | 'verb' | 'set' | 'rows'>;

/**
 * Says which other tables a write changes, by what the database does beside it: cascades of foreign keys, triggers,
 * inheritance and partitions. It reads that once. Until it has, any write may change anything.
 */
export class WriteEffects {
  readonly #source: RelationSource;
  readonly #triggers: ReadonlyMap<string, readonly string[]>;
  #relations: Relations | undefined;
  #age = 0;

  constructor(source: RelationSource, { triggers = {} }: WriteEffectsOptions = {}) {
    this.#source = source;
    this.#triggers = new Map(
      Object.entries(triggers).map(([table, others]) => [tableName(table), others.map(tableName)]),
    );
  }

  /** Whether it knows. */
  get isRead(): boolean {
    return this.#relations !== undefined;
  }

  /** Counts how often what it knew was forgotten. */
  get age(): number {
    return this.#age;
  }

  /**
   * Reads how the tables hang together, outside of every transaction. What is forgotten meanwhile stays forgotten.
   *
   * @returns false where it was forgotten meanwhile, and has to be read again
   * @throws what the database throws
   */
  async read(): Promise<boolean> {
    const age = this.#age;
    const query = this.#source.sql.relations?.();
    if (query === undefined) return true;
    const { rows } = await outside(() => query.execute(this.#source.db));
    if (age !== this.#age) return false;
    this.#relations = toRelations(rows);
    return true;
  }

  /** Forgets what it knows: the schema may have changed. */
  forget(): void {
    this.#age += 1;
    this.#relations = undefined;
  }

  /**
   * Says what a write does that its text does not tell: rows that it replaces, columns that follow from what it sets, rows that
   * its values do not tell apart.
   *
   * @returns the same one where its text tells all
   */
  widen<Each extends Pick<TableWrite, 'table' | 'verb' | 'set' | 'rows'>>(write: Each): Each {
    const { replacing, computed, blurred } = this.#relations ?? {};
    const { table, verb } = write;
    if (replacing?.has(table) === true && verb !== 'delete') {
      return { ...write, verb: verb === 'insert' ? 'replace' : 'any' };
    }
    const isComputed = computed?.has(table) === true && write.set !== undefined;
    const vague = write.rows && blurred?.get(table);
    if (!isComputed && vague === undefined) return write;
    return {
      ...write,
      ...(isComputed && { set: undefined }),
      ...(vague && { rows: vague.has(null) ? undefined : write.rows?.map((row) => without(row, vague)) }),
    };
  }

  /**
   * Says which tables a write changes beside its own. Any of their rows may be changed.
   *
   * @returns undefined where it may be any
   */
  of(write: Write): ReadonlySet<string> | undefined {
    const relations = this.#relations;
    if (relations === undefined) return undefined;
    const changed = new Set<string>();
    const seen = new Set<string>();
    const ahead: Write[] = [write];
    for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
      const mark = `${next.verb}:${next.table}`;
      if (seen.has(mark)) continue;
      seen.add(mark);
      if (next !== write) changed.add(next.table);
      const beside = this.#beside(relations, next);
      if (beside === undefined) return undefined;
      ahead.push(...beside);
    }
    return changed;
  }

  /** What one write causes at once. */
  #beside(relations: Relations, write: Write): readonly Write[] | undefined {
    const { table, verb, set } = this.widen<Write>(write);
    if (!relations.tables.has(table)) return undefined;
    const triggered = relations.triggered.has(table) ? this.#triggers.get(table) : [];
    if (triggered === undefined) return undefined;
    const kin = [...(relations.kin.get(table) ?? [])];
    const references = relations.references.get(table) ?? [];
    return [
      ...triggered.map((other): Write => ({ table: other, verb: 'any' })),
      ...kin.map((other): Write => ({ table: other, verb, set })),
      ...references
        .filter((reference) => isFollowed(reference, verb, set))
        .map(({ child }): Write => ({ table: child, verb: 'any' })),
    ];
  }
}

function isFollowed(
  { columns, followsDelete, followsUpdate }: Reference,
  verb: TableWrite['verb'],
  set: readonly string[] | undefined,
): boolean {
  if (verb === 'insert') return false;
  const changesKey = set === undefined || columns === undefined || set.some((column) => columns.has(column));
  if (verb === 'update') return followsUpdate && changesKey;
  return followsDelete || (followsUpdate && verb !== 'delete');
}

/** What is known of a row, without some columns. */
function without<Place>(
  row: ReadonlyMap<string, Place>,
  columns: ReadonlySet<string | null>,
): ReadonlyMap<string, Place> {
  return new Map([...row].filter(([column]) => !columns.has(column)));
}

function toRelations(facts: readonly RelationFact[]): Relations {
  const sets = {
    table: new Set<string>(),
    trigger: new Set<string>(),
    replacing: new Set<string>(),
    computed: new Set<string>(),
  };
  const blurred = new Map<string, Set<string | null>>();
  const kin = new Map<string, Set<string>>();
  const references = new Map<string, Reference[]>();
  const relate = (one: string, other: string) => kin.set(one, (kin.get(one) ?? new Set()).add(other));
  for (const fact of facts) {
    const subject = tableName(fact.subject);
    const other = tableName(fact.other ?? '');
    if (fact.kind === 'kin') relate(subject, other).set(other, (kin.get(other) ?? new Set()).add(subject));
    else if (fact.kind === 'reference') {
      const known = references.get(subject) ?? [];
      references.set(subject, [...known, toReference(fact, other)]);
    } else if (fact.kind === 'blurred') {
      const column = fact.referred === null ? null : lower(fact.referred);
      blurred.set(subject, (blurred.get(subject) ?? new Set()).add(column));
    } else sets[fact.kind].add(subject);
  }
  const { table: tables, trigger: triggered, replacing, computed } = sets;
  return { tables, triggered, replacing, computed, blurred, kin, references };
}

/** A key of several columns comes as several of these: what sets one of them is followed by one. */
function toReference(fact: RelationFact, child: string): Reference {
  return {
    child,
    columns: fact.referred === null ? undefined : new Set([lower(fact.referred)]),
    followsDelete: Boolean(Number(fact.follows_delete)),
    followsUpdate: Boolean(Number(fact.follows_update)),
  };
}

function lower(name: string): string {
  return name.toLowerCase();
}

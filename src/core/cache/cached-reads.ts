import { loopTurn } from '../engine/loop-turn.ts';
import { isAlone } from '../provider/transaction-context.ts';
import type { ObservedRead, ReadObserver } from '../repository/read-observer.ts';
import type { TableDefinition } from '../repository/table-definition.ts';
import { valueRules } from '../query/column-value.ts';
import { checkCachedOptions, type CachedOptions } from './cached-options.ts';
import type { CachedTerms } from './cached-terms.ts';
import type { CacheRegion } from './cache-region.ts';
import { keyText } from './key-text.ts';
import { namespaceTag, ownTag } from './own-tags.ts';
import { giveEntry, type CacheLoader } from './cache-answers.ts';
import { coreOf, type CacheCore } from './cache-core.ts';
import { hashOf, RepositoryQuestion, type QuestionScope } from './repository-question.ts';
import { slotOf, slotsOf } from './stamps.ts';
import { allListsTag, groupTag, listTag, rowTag, tableTag } from './tags.ts';

const known = new WeakMap<CachedOptions, CachedReads>();
let plans = 0;

/** What is the same for all reads of a table by one mapper. */
interface ReadPlan {
  readonly definition: TableDefinition;
  readonly mapper: object;
  readonly keyNames: readonly string[];
  readonly terms: CachedTerms;
  readonly region: CacheRegion;
  readonly scope: QuestionScope;
  readonly prefix: string;
  /** The keys of rows by the values of theirs: a text that was looked up before is found sooner than a new one. */
  readonly rowKeys: Map<unknown, string>;
  /** What every answer depends on. */
  readonly slots: readonly number[];
  readonly allLists: number;
  readonly lists: number;
}

/** Answers what the repositories of one table read, out of a cache. */
export class CachedReads implements ReadObserver {
  readonly #core: CacheCore;
  readonly #options: CachedOptions;
  readonly #plans = new WeakMap<TableDefinition, WeakMap<object, ReadPlan>>();
  #last: ReadPlan | undefined;
  #hits = 0;

  constructor(options: CachedOptions) {
    this.#options = options;
    this.#core = coreOf(options.cache)!;
  }

  /** The one of some options, so that whoever is made anew with the same finds what is kept. */
  static of(options: CachedOptions): CachedReads {
    let reads = known.get(options);
    if (reads === undefined) known.set(options, (reads = new CachedReads(options)));
    return reads;
  }

  /** @throws ValidationError with every fault of the options */
  check(definition: TableDefinition): void {
    checkCachedOptions(this.#options, definition, this.#core.uncached);
    this.#core.regionOf(this.#namespaceOf(definition), definition, this.#options.groups ?? []);
  }

  read<Raw, Answer>(read: ObservedRead<Raw, Answer>): Answer | Promise<Answer> {
    // There the database refuses it, as it would without a cache, or it must see what is not committed yet.
    if (!isAlone() && this.#core.findRunning() !== undefined)
      return read.load().then((raw) => read.answer(raw));
    const plan = this.#planOf(read.definition, read.mapper);
    const key = keyOf(plan, read);
    const entry = this.#core.at(key);
    if (entry !== undefined) {
      plan.region.counts.hits += 1;
      this.#hits += 1;
      if (this.#hits < mostHits) return giveEntry(entry, read) as Answer;
      this.#hits = 0;
      return loopTurn().then(() => giveEntry(entry, read) as Answer);
    }
    const question = this.#questionOf(plan, key, read);
    const loader: CacheLoader = { region: plan.region, terms: plan.terms, load: () => read.load() };
    return this.#core.ask(question, loader) as Promise<Answer>;
  }

  #questionOf(plan: ReadPlan, key: string, read: ObservedRead<unknown, unknown>): RepositoryQuestion {
    const slots = [...plan.slots];
    if (read.filter === undefined) this.#addRow(slots, plan, read.values);
    else this.#addLists(slots, plan, read.filter);
    this.#addOwn(slots, read.filter === undefined ? { key: read.values } : { filter: read.filter });
    return new RepositoryQuestion(plan.scope, key, key.slice(plan.prefix.length), slots, read);
  }

  #addRow(
    slots: number[],
    { definition, keyNames, allLists, lists }: ReadPlan,
    key: readonly unknown[],
  ): void {
    const tag = rowTag(definition.table, keyNames, key);
    // A value of many forms: any change may be one of its row.
    if (tag === undefined) slots.push(allLists, lists);
    else slots.push(slotOf(tag));
  }

  #addLists(slots: number[], { definition, allLists, lists }: ReadPlan, filter: object): void {
    slots.push(allLists);
    for (const column of this.#options.groups ?? []) {
      const tag = groupTag(definition.table, column, fixedValue(filter, column, definition));
      if (tag === undefined) continue;
      slots.push(slotOf(tag));
      return;
    }
    slots.push(lists);
  }

  #addOwn(slots: number[], read: { readonly key?: readonly unknown[]; readonly filter?: object }): void {
    const { tags } = this.#options;
    if (typeof tags === 'function') for (const tag of tags(read)) slots.push(slotOf(ownTag(tag)));
  }

  #planOf(definition: TableDefinition, mapper: object): ReadPlan {
    if (this.#last?.definition === definition && this.#last.mapper === mapper) return this.#last;
    let byMapper = this.#plans.get(definition);
    if (byMapper === undefined) this.#plans.set(definition, (byMapper = new WeakMap()));
    let plan = byMapper.get(mapper);
    if (plan === undefined) byMapper.set(mapper, (plan = this.#plan(definition, mapper)));
    this.#last = plan;
    return plan;
  }

  #plan(definition: TableDefinition, mapper: object): ReadPlan {
    const { tags, dependsOn = [], sensitive = false, shapeVersion } = this.#options;
    const { table } = definition;
    const namespace = this.#namespaceOf(definition);
    const region = this.#core.regionOf(namespace, definition, this.#options.groups ?? []);
    const common = [tableTag(table), namespaceTag(namespace)];
    if (tags !== undefined && typeof tags !== 'function') common.push(...tags.map(ownTag));
    for (const other of dependsOn) common.push(tableTag(other), listTag(other), allListsTag(other));
    let shared: string | undefined;
    const plan: ReadPlan = {
      definition,
      mapper,
      keyNames: definition.key.map(({ name }) => name),
      terms: checkCachedOptions(this.#options, definition, this.#core.uncached),
      region,
      scope: {
        region: namespace,
        definition,
        isSensitive: sensitive,
        sharedPrefix: () =>
          (shared ??= this.#core.sharedPrefix(namespace, shapeOf(definition, shapeVersion), table)),
      },
      prefix: `${(plans += 1)} `,
      rowKeys: new Map(),
      slots: slotsOf(common),
      allLists: slotOf(allListsTag(table)),
      lists: slotOf(listTag(table)),
    };
    region.explain = (values) => {
      const read = rowRead(definition, mapper, values);
      return this.#questionOf(plan, keyOf(plan, read), read);
    };
    return plan;
  }

  #namespaceOf({ table }: TableDefinition): string {
    return this.#options.namespace ?? table;
  }
}

const mostRowKeys = 10_000;
/** In characters: what tells questions apart is kept whole up to here. */
const longestText = 1_000;
/** So many hits one after the other let the event loop turn: a loop of nothing else would keep everybody waiting. */
const mostHits = 4_096;

/** What tells a question from every other one of this process. */
function keyOf(
  { prefix, rowKeys }: ReadPlan,
  { kind, shape, values }: ObservedRead<unknown, unknown>,
): string {
  if (kind !== 'row' || values.length !== 1) return `${prefix}${shortened(`${shape}\0${keyText(values)}`)}`;
  const [value] = values;
  const kept = rowKeys.get(value);
  if (kept !== undefined) return kept;
  const key = `${prefix}${shortened(`${shape}\0${keyText(values)}`)}`;
  if (typeof value === 'string' && value.length > longestText) return key;
  if (rowKeys.size >= mostRowKeys) rowKeys.clear();
  rowKeys.set(value, key);
  return key;
}

/** A long text by its hash: no other text begins like one. */
function shortened(text: string): string {
  return text.length > longestText ? `\0\0${hashOf(text)}` : text;
}

/** The value that a filter fixes a column to by `eq`, in its one form; undefined where it does not. */
function fixedValue(filter: object, name: string, { columns }: TableDefinition): unknown {
  const written = (filter as Readonly<Record<string, unknown>>)[name];
  const value = isOperators(written) ? written['eq'] : written;
  const column = columns.get(name);
  if (value === undefined || value === null || column === undefined) return undefined;
  return valueRules[column.kind].normalize(value);
}

function isOperators(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** What rows of a table look like, as a hash: with other columns or other kinds nothing that was kept is read. */
function shapeOf({ columns, key, names }: TableDefinition, version: string | number = 0): string {
  const kinds = names.map((name) => {
    const { kind, nullable, sealed } = columns.get(name)!;
    return [name, kind, nullable, sealed];
  });
  return hashOf(JSON.stringify([kinds, key.map(({ name }) => name), version])).slice(0, 12);
}

/** A read that is only asked about. */
function rowRead(
  definition: TableDefinition,
  mapper: object,
  values: readonly unknown[],
): ObservedRead<unknown, unknown> {
  const answer = (raw: unknown): unknown => raw;
  return {
    kind: 'row',
    definition,
    mapper,
    shape: '',
    values,
    filter: undefined,
    load: async () => undefined,
    answer,
  };
}

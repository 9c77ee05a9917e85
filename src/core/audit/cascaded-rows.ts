import type { SqlVocabulary } from '../engine/sql-vocabulary.ts';
import type { Column } from '../query/column.ts';
import { StatementCache } from '../query/statement-cache.ts';
import { lockRowsWith } from '../repository/lock-row.ts';
import type { RunShape, StoredRow, UntypedDatabase, UntypedTables } from '../repository/stored-row.ts';
import { entityId } from './row-changes.ts';
import type { CascadeRules, TableRules } from './table-rules.ts';

/** A row that the database deletes or changes where another one is deleted. */
export interface CascadedRow {
  readonly rules: TableRules;
  readonly row: StoredRow;
  /** What became of it; undefined where it is deleted, and until `readAfter` has looked. */
  readonly after: StoredRow | undefined;
  /** What it refers to. */
  readonly parent: { readonly entity: string; readonly id: string };
}

// How many rows one statement asks about.
const maxRows = 1_000;

/**
 * Reads the rows that the database deletes or changes with another one, and what goes with these, and locks them: behind
 * the delete nobody could say any more what they were. A row that goes by two ways comes once.
 *
 * @param on the transaction of the delete
 * @param row locked, so that nobody comes to refer to it
 */
export async function readCascadedRows(
  on: UntypedDatabase,
  vocabulary: SqlVocabulary,
  rules: TableRules,
  row: StoredRow,
): Promise<CascadedRows> {
  const reader = new CascadeReader(on, vocabulary);
  await reader.read(rules, [row]);
  return reader;
}

/** The rows that go or change with another one, as they were. */
export interface CascadedRows {
  /**
   * Reads behind the delete what the database has made of the rows that are left: nobody else knows their defaults, and
   * what else follows from them.
   *
   * @returns all of the rows
   * @throws the errors of any statement
   */
  readAfter(): Promise<CascadedRow[]>;
}

class CascadeReader implements CascadedRows {
  readonly #deleted: CascadedRow[] = [];
  /** By their places: two columns of a row may refer to what goes. */
  readonly #kept = new Map<string, CascadedRow>();
  readonly #statements: StatementCache<UntypedTables>;
  readonly #on: UntypedDatabase;
  readonly #vocabulary: SqlVocabulary;
  readonly #seen = new Set<string>();

  constructor(on: UntypedDatabase, vocabulary: SqlVocabulary) {
    this.#statements = new StatementCache<UntypedTables>({ db: on });
    this.#on = on;
    this.#vocabulary = vocabulary;
  }

  async readAfter(): Promise<CascadedRow[]> {
    // What is kept by one way and deleted by another is deleted.
    const kept = [...this.#kept].filter(([place]) => !this.#seen.has(place)).map(([, row]) => row);
    const rows = [...this.#deleted];
    for (const ofTable of Map.groupBy(kept, ({ rules }) => rules.definition.table).values()) {
      for (const part of partsOf(ofTable)) rows.push(...(await this.#readPart(part)));
    }
    return rows;
  }

  /** Finds what goes with some rows of one table. */
  async read(rules: TableRules, rows: readonly StoredRow[]): Promise<void> {
    const fresh = rows.filter((row) => this.#isNew(rules, row));
    for (const cascade of rules.cascades) {
      for (const part of partsOf(fresh)) await this.#readChildren(cascade, rules, part);
    }
  }

  async #readChildren(
    { rules, columns, references, isKept }: CascadeRules,
    { entity, ...parentRules }: TableRules,
    parents: readonly StoredRow[],
  ): Promise<void> {
    // What is NULL in one of the columns is referred to by none.
    const referred = parents.filter((parent) => references.every((name) => parent[name] !== null));
    const byValues = new Map(referred.map((parent) => [textOf(parent, references), parent]));
    if (byValues.size === 0) return;
    const children = await this.#lock(rules, columns, referred, references, 'delete');
    const names = columns.map(({ name }) => name);
    for (const row of children) {
      const place = placeOf(rules, row);
      if (this.#seen.has(place)) continue;
      const parent = { entity, id: entityId(parentRules, byValues.get(textOf(row, names))!) };
      const found = { rules, row, after: undefined, parent };
      if (!isKept) this.#deleted.push(found);
      else this.#kept.set(place, withWaysOf(found, this.#kept.get(place)));
    }
    if (!isKept) await this.read(rules, children);
  }

  async #readPart(kept: readonly CascadedRow[]): Promise<CascadedRow[]> {
    const { rules } = kept[0]!;
    const { key } = rules.definition;
    const before = kept.map(({ row }) => row);
    const names = key.map(({ name }) => name);
    const rows = await this.#lock(rules, key, before, names, 'update');
    const byPlace = new Map(rows.map((row) => [placeOf(rules, row), row]));
    return kept.map((found) => ({ ...found, after: byPlace.get(placeOf(rules, found.row)) }));
  }

  /** Reads the rows that have in some columns what others have in theirs. */
  #lock(
    rules: TableRules,
    columns: readonly Column[],
    others: readonly StoredRow[],
    names: readonly string[],
    intent: 'update' | 'delete',
  ): Promise<StoredRow[]> {
    const context = { definition: rules.definition, vocabulary: this.#vocabulary };
    const combinations = others.map((row) => names.map((name) => row[name] as string | number));
    return lockRowsWith(this.#runnerOf(rules), context, columns, combinations, intent);
  }

  // Shapes are named within their table.
  #runnerOf({ definition }: TableRules): RunShape {
    return (shape) => this.#statements.run({ ...shape, key: `${definition.table} ${shape.key}` }, this.#on);
  }

  #isNew(rules: TableRules, row: StoredRow): boolean {
    const place = placeOf(rules, row);
    if (this.#seen.has(place)) return false;
    this.#seen.add(place);
    return true;
  }
}

/** Each way knows of its own columns that they change. */
function withWaysOf(found: CascadedRow, before: CascadedRow | undefined): CascadedRow {
  if (before === undefined) return found;
  const fields = before.rules.fields.map((field, place) =>
    found.rules.fields[place]?.isUpdated === true ? { ...field, isUpdated: true } : field,
  );
  return { ...before, rules: { ...before.rules, fields } };
}

function* partsOf<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let from = 0; from < items.length; from += maxRows) yield items.slice(from, from + maxRows);
}

function placeOf({ definition }: TableRules, row: StoredRow): string {
  return `${JSON.stringify(definition.table)} ${textOf(
    row,
    definition.key.map(({ name }) => name),
  )}`;
}

function textOf(row: StoredRow, names: readonly string[]): string {
  return JSON.stringify(names.map((name) => row[name]));
}

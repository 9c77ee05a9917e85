import type { SqlVocabulary } from '../engine/sql-vocabulary.ts';
import { StatementCache } from '../query/statement-cache.ts';
import { lockRowsWith } from '../repository/lock-row.ts';
import type { RunShape, StoredRow, UntypedDatabase, UntypedTables } from '../repository/stored-row.ts';
import { entityId } from './row-changes.ts';
import type { CascadeRules, TableRules } from './table-rules.ts';

/** A row that the database deletes or changes where another one is deleted. */
export interface CascadedRow {
  readonly rules: TableRules;
  readonly row: StoredRow;
  /** What becomes of it; undefined where it is deleted. */
  readonly after: StoredRow | undefined;
  /** What it refers to. */
  readonly parent: { readonly entity: string; readonly id: string };
}

// How many parents one statement asks about.
const maxParents = 1_000;

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
): Promise<CascadedRow[]> {
  const reader = new CascadeReader(on, vocabulary);
  await reader.read(rules, [row]);
  return reader.found();
}

class CascadeReader {
  readonly #deleted: CascadedRow[] = [];
  /** By their places: two columns of a row may refer to what goes. */
  readonly #cleared = new Map<string, CascadedRow>();
  readonly #statements: StatementCache<UntypedTables>;
  readonly #on: UntypedDatabase;
  readonly #vocabulary: SqlVocabulary;
  readonly #seen = new Set<string>();

  constructor(on: UntypedDatabase, vocabulary: SqlVocabulary) {
    this.#statements = new StatementCache<UntypedTables>({ db: on });
    this.#on = on;
    this.#vocabulary = vocabulary;
  }

  /** What is cleared by one way and deleted by another is deleted. */
  found(): CascadedRow[] {
    const cleared = [...this.#cleared].filter(([place]) => !this.#seen.has(place)).map(([, row]) => row);
    return [...this.#deleted, ...cleared];
  }

  /** Finds what goes with some rows of one table. */
  async read(rules: TableRules, rows: readonly StoredRow[]): Promise<void> {
    const fresh = rows.filter((row) => this.#isNew(rules, row));
    for (const cascade of rules.cascades) {
      for (let from = 0; from < fresh.length; from += maxParents) {
        await this.#readChildren(cascade, rules, fresh.slice(from, from + maxParents));
      }
    }
  }

  async #readChildren(
    { rules, column, references, clears }: CascadeRules,
    { entity, ...parentRules }: TableRules,
    parents: readonly StoredRow[],
  ): Promise<void> {
    // What refers to nothing refers to none of them.
    const referred = parents.filter((parent) => parent[references] !== null);
    const byValue = new Map(referred.map((parent) => [parent[references] as string | number, parent]));
    if (byValue.size === 0) return;
    const context = { definition: rules.definition, vocabulary: this.#vocabulary };
    const children = await lockRowsWith(
      this.#runnerOf(rules),
      context,
      column,
      [...byValue.keys()],
      'delete',
    );
    for (const row of children) {
      if (this.#seen.has(placeOf(rules, row))) continue;
      const parent = byValue.get(row[column.name] as string | number)!;
      const cause = { entity, id: entityId(parentRules, parent) };
      if (clears === undefined) this.#deleted.push({ rules, row, after: undefined, parent: cause });
      else this.#clear(rules, row, clears, cause);
    }
    if (clears === undefined) await this.read(rules, children);
  }

  #clear(rules: TableRules, row: StoredRow, columns: readonly string[], parent: CascadedRow['parent']): void {
    const place = placeOf(rules, row);
    const before = this.#cleared.get(place);
    const after = { ...(before?.after ?? row), ...Object.fromEntries(columns.map((name) => [name, null])) };
    this.#cleared.set(
      place,
      before === undefined ? { rules, row, after, parent } : mergeCleared(before, rules, after),
    );
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
function mergeCleared(before: CascadedRow, rules: TableRules, after: StoredRow): CascadedRow {
  const fields = before.rules.fields.map((field, place) =>
    rules.fields[place]?.isUpdated === true ? { ...field, isUpdated: true } : field,
  );
  return { ...before, rules: { ...before.rules, fields }, after };
}

function placeOf({ definition }: TableRules, row: StoredRow): string {
  return JSON.stringify([definition.table, ...definition.key.map(({ name }) => row[name])]);
}

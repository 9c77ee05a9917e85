import type { CompiledQuery, Kysely, QueryResult } from 'kysely';
import type { PreparableQuery } from './prepared-query.ts';
import { runStatement, type StatementTarget } from './statement-target.ts';
import { StatementTemplate } from './statement-template.ts';

/** A statement by its shape, and the values for its slots. */
export interface StatementShape<DB, Row> {
  /** Two statements of one cache with the same key are the same but for their values. */
  readonly key: string;
  /** By the positions of the slots. */
  readonly values: readonly unknown[];
  /** Builds the statement with slots. Called only where none of this key is kept. */
  build(db: Kysely<DB>): PreparableQuery<Row>;
}

/** Statements by the keys of their shapes. */
export type StatementTemplates = Map<string, StatementTemplate<unknown>>;

// Each is some kilobytes; an application asks its questions in fewer shapes than this.
const maxStatements = 500;
// What is longer is rarely asked twice in the same shape, and would fill the memory.
const maxLength = 50_000;

/** Compiles each shape of a statement once, and keeps those that were used last. */
export class StatementCache<DB> {
  readonly #target: StatementTarget<DB>;
  readonly #templates: StatementTemplates;

  /** @param templates what is kept already, where it is shared with other caches of the same keys */
  constructor(target: StatementTarget<DB>, templates: StatementTemplates = new Map()) {
    this.#target = target;
    this.#templates = templates;
  }

  /**
   * Runs a statement.
   *
   * @param on a transaction or another handle; undefined means the statement stands for itself
   */
  run<Row>(shape: StatementShape<DB, Row>, on: Kysely<DB> | undefined): Promise<QueryResult<Row>> {
    return runStatement(this.#target, this.bind(shape, on), on);
  }

  /**
   * The statement with its values, for who runs it elsewhere.
   *
   * @param on as in `run`
   */
  bind<Row>(shape: StatementShape<DB, Row>, on?: Kysely<DB>): CompiledQuery<Row> {
    return this.#templateOf(shape).bind(shape.values as never, on ?? this.#target.db);
  }

  #templateOf<Row>(shape: StatementShape<DB, Row>): StatementTemplate<Row> {
    const templates = this.#templates;
    const { key } = shape;
    const kept = templates.get(key) as StatementTemplate<Row> | undefined;
    if (kept !== undefined) {
      // A map keeps the order of insertion, so its first key is the one that was not used for longest.
      if (templates.size > maxStatements / 2) {
        templates.delete(key);
        templates.set(key, kept);
      }
      return kept;
    }
    const db = this.#target.db.withoutPlugins();
    const template = new StatementTemplate(shape.build(db).compile(db));
    // The key as well: a path into JSON stands there and in a parameter, not in the SQL.
    if (Math.max(template.length, key.length) > maxLength) return template;
    templates.set(key, template);
    if (templates.size > maxStatements) templates.delete(templates.keys().next().value as string);
    return template;
  }
}

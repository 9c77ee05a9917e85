import type { AssessmentContext, StatementAssessment } from '../../engine/statement-assessment.ts';

/** What the migrations of a plan have made and changed so far, by which the next statement is judged. */
export class PlanScenery {
  readonly #schema: string | undefined;
  readonly #existing: Set<string>;
  readonly #made = new Set<string>();
  #altered = new Set<string>();
  #unvalidated = new Set<string>();
  #inTransaction = true;

  /**
   * @param schema of tables that are named without one
   * @param existing the tables that were there before the plan
   */
  constructor(schema: string | undefined, existing: Iterable<string>) {
    this.#schema = schema;
    this.#existing = new Set(existing);
  }

  /** What statements are judged by now. */
  get context(): AssessmentContext {
    return {
      inTransaction: this.#inTransaction,
      schema: this.#schema,
      made: new Set(this.#made),
      altered: new Set(this.#altered),
      unvalidated: new Set(this.#unvalidated),
    };
  }

  /** Begins a migration: its transaction holds nothing yet. */
  begin(inTransaction: boolean): void {
    this.#inTransaction = inTransaction;
    this.#altered = new Set();
    this.#unvalidated = new Set();
  }

  /** Takes note of a statement that ran. */
  follow({ effects }: StatementAssessment): void {
    for (const table of effects.alters) this.#altered.add(table);
    for (const constraint of effects.unvalidated) this.#unvalidated.add(constraint);
    for (const name of effects.makes) {
      // IF NOT EXISTS over a table that is there makes nothing.
      if (effects.makesIfMissing.includes(name) && this.#existing.has(name)) continue;
      this.#made.add(name);
    }
    for (const name of effects.removes) this.#forget(name);
    for (const { from, to } of effects.renames) {
      const isNew = this.#made.has(from);
      this.#forget(from);
      // What takes the name of a table in use is in use from then on.
      if (isNew && !this.#existing.has(to)) this.#made.add(to);
      else this.#made.delete(to);
    }
  }

  #forget(name: string): void {
    this.#made.delete(name);
  }
}

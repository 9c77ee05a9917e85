import type { CompiledQuery } from 'kysely';
import type { SqlLexicon } from '../../engine/sql-tokens.ts';
import type { SqlLexicalRules } from '../../engine/sql-vocabulary.ts';
import { readTouches } from './read-touches.ts';
import { anyShape, type SqlTouch, type WriteShape } from './touch.ts';

/** How many characters of texts are kept; more begin anew. */
const mostKept = 2_000_000;

/**
 * Says what statements may change, by their text. A text is read once. It sees no function that writes and is called in
 * a SELECT, nor what a statement of another process does.
 */
export class TouchReader {
  readonly #lexicon: SqlLexicon;
  readonly #shapes = new Map<string, WriteShape | undefined>();
  #kept = 0;

  /** @param rules how the engine writes statements */
  constructor({ dollarQuotes, nestedComments, bracketIdentifiers }: SqlLexicalRules) {
    this.#lexicon = {
      nameQuotes: bracketIdentifiers ? ['""', '``', '[]'] : ['""'],
      commentsNest: nestedComments,
      dollarQuotes,
      foldsNames: true,
    };
  }

  /** Stands for what nobody has seen. */
  readonly anything: SqlTouch = { shape: anyShape, parameters: [] };

  /** @returns undefined where it only reads */
  touchedBy({ sql, parameters }: CompiledQuery): SqlTouch | undefined {
    let shape = this.#shapes.get(sql);
    if (shape === undefined && !this.#shapes.has(sql)) shape = this.#read(sql);
    return shape === undefined ? undefined : { shape, parameters };
  }

  #read(sql: string): WriteShape | undefined {
    const shape = this.#analyse(sql);
    if (this.#kept + sql.length > mostKept) {
      this.#shapes.clear();
      this.#kept = 0;
    }
    if (sql.length <= mostKept) {
      this.#shapes.set(sql, shape);
      this.#kept += sql.length;
    }
    return shape;
  }

  #analyse(sql: string): WriteShape | undefined {
    try {
      return readTouches(sql, this.#lexicon);
    } catch {
      // A text that it stumbles over may do anything, and is the business of the database.
      return anyShape;
    }
  }
}

import type { RowShape } from './postgres-row-shape.ts';
import type { StatementCatalog } from './statement-catalog.ts';

/** A statement that has a name on the server, in one session. */
export interface PreparedStatement {
  readonly name: string;
  /** The generation of the name. */
  readonly generation: number;
  /** The server was asked to parse it. */
  isSent: boolean;
  /** The server has parsed it. */
  isParsed: boolean;
  /** What its rows look like, once the server has said so. */
  shape: RowShape | undefined;
}

/** How many statements a session keeps on the server. */
const capacity = 256;

/**
 * The statements that one session has prepared, by their text. Those that were not used for the longest time
 * give way once what needs them was sent, and their names are closed on the server together with whatever is
 * sent next, so that neither side forgets alone.
 */
export class PreparedStatements {
  readonly #catalog: StatementCatalog;
  // In the order of use: the first one is the oldest.
  readonly #byText = new Map<string, PreparedStatement>();
  #generation: number;
  #toClose: string[] = [];

  /** @param catalog what the pool knows of the statements */
  constructor(catalog: StatementCatalog) {
    this.#catalog = catalog;
    this.#generation = catalog.generation;
  }

  /** How many have a name. */
  get size(): number {
    return this.#byText.size;
  }

  /** @returns the statement to use for a text; undefined where it is to be sent without a name */
  use(text: string): PreparedStatement | undefined {
    if (this.#generation !== this.#catalog.generation) this.#forgetAll();
    const known = this.#byText.get(text);
    if (known !== undefined) {
      this.#byText.delete(text);
      this.#byText.set(text, known);
      // Where the server refuses to parse it, whoever counts on the name would hear that it is unknown.
      return known.isSent && !known.isParsed ? undefined : known;
    }
    const name = this.#catalog.nameOf(text);
    if (name === undefined) return undefined;
    const generation = this.#generation;
    const made: PreparedStatement = { name, generation, isSent: false, isParsed: false, shape: undefined };
    this.#byText.set(text, made);
    return made;
  }

  /** @returns the names that are to be closed on the server; the caller sends them, in front of what it sends */
  takeNamesToClose(): readonly string[] {
    const names = this.#toClose;
    if (names.length > 0 || this.#byText.size > capacity) this.#toClose = [];
    // What is sent now may need more than there is room for.
    while (this.#byText.size > capacity) this.#forgetOldest();
    return names;
  }

  #forgetOldest(): void {
    const [oldest] = this.#byText;
    if (oldest === undefined) return;
    this.#byText.delete(oldest[0]);
    this.#toClose.push(oldest[1].name);
  }

  #forgetAll(): void {
    this.#generation = this.#catalog.generation;
    for (const { name } of this.#byText.values()) this.#toClose.push(name);
    this.#byText.clear();
  }
}

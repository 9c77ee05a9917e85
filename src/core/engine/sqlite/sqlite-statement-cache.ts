interface Entry<Statement> {
  readonly statement: Statement;
  /** Asked for since it was last passed over. */
  isUsed: boolean;
}

/**
 * The prepared statements of one connection, by their SQL text, up to a limit. Where it is full, the oldest that
 * nobody has asked for since the last look goes. That is nearly the least recently used one, and finding a
 * statement changes one flag instead of the order of all.
 */
export class SqliteStatementCache<Statement> {
  readonly #limit: number;
  readonly #entries = new Map<string, Entry<Statement>>();

  /** @param limit the most statements that are kept, at least 1 */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  find(sql: string): Statement | undefined {
    const entry = this.#entries.get(sql);
    if (entry === undefined) return undefined;
    entry.isUsed = true;
    return entry.statement;
  }

  add(sql: string, statement: Statement): void {
    if (this.#entries.size >= this.#limit) this.#evict();
    this.#entries.set(sql, { statement, isUsed: false });
  }

  #evict(): void {
    for (const [sql, entry] of this.#entries) {
      this.#entries.delete(sql);
      if (!entry.isUsed) return;
      entry.isUsed = false;
      this.#entries.set(sql, entry);
    }
  }
}

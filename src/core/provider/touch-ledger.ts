import type { Touched } from './write-watch.ts';

/** What a transaction has touched so far, without what a rollback to a savepoint has undone. */
export class TouchLedger {
  #touched: Touched[] = [];
  #savepoints: { readonly name: string; readonly size: number }[] = [];

  get touched(): readonly Touched[] {
    return this.#touched;
  }

  add(touched: readonly Touched[]): void {
    if (touched.length > 0) this.#touched.push(...touched);
  }

  /** Notes a statement about savepoints that has succeeded. */
  note(command: SavepointCommand): void {
    const { verb, name, size } = command;
    if (verb === 'savepoint') {
      this.#savepoints.push({ name, size: this.#touched.length });
      return;
    }
    const index = this.#savepoints.findLastIndex((savepoint) => savepoint.name === name);
    const savepoint = this.#savepoints[index];
    if (savepoint === undefined) return;
    if (verb === 'rollback') {
      // What was sent behind the rollback, before it was answered, stays.
      this.#touched.splice(savepoint.size, Math.max(0, size - savepoint.size));
      this.#savepoints.length = index + 1;
    } else this.#savepoints.length = index;
  }

  /** Notes that one of which it knows nothing has succeeded: no rollback drops anything that came before. */
  forgetSavepoints(): void {
    this.#savepoints = [];
  }

  /** Reads a statement about savepoints, at the moment in which it is sent. */
  read(sql: string): SavepointCommand | undefined {
    const match = commandPattern.exec(sql);
    if (match === null) return undefined;
    const [, verb = '', quoted, bare = ''] = match;
    return this.command(verb.toLowerCase() as SavepointCommand['verb'], quoted ?? bare);
  }

  /** The same for one that a driver sends. */
  command(verb: SavepointCommand['verb'], name: string): SavepointCommand {
    return { verb, name: name.toLowerCase(), size: this.#touched.length };
  }
}

/** A statement about a savepoint. */
export interface SavepointCommand {
  readonly verb: 'savepoint' | 'release' | 'rollback';
  /**
   * In lower case: SQLite folds names, and Postgres those without quotes. Where two differ by case alone, the inner one
   * is taken for both, which drops too little and never too much.
   */
  readonly name: string;
  /** How much was touched when it was sent. */
  readonly size: number;
}

const commandPattern =
  /^\s*(savepoint|release|rollback)\s+(?:(?:transaction|work)\s+)?(?:to\s+)?(?:savepoint\s+)?(?:"([^"]+)"|([a-z_][\w$]*))\s*(?:;\s*)?$/iu;

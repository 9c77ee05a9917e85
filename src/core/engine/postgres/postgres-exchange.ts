import type { PreparedStatement } from './prepared-statements.ts';
import type { PostgresRow, RowShape } from './postgres-row-shape.ts';

/** A value as it goes over the wire. */
export type WireValue = string | Buffer | null;

/** One statement of an exchange. */
export interface WireStatement {
  readonly text: string;
  readonly values: readonly WireValue[];
  /** Where the statement has a name on the server; undefined sends it without one. */
  readonly prepared: PreparedStatement | undefined;
}

/** What a statement gave. */
export interface WireResult {
  /** The first word of what the server calls it, such as `INSERT`; empty for an empty statement. */
  readonly command: string;
  readonly rowCount: number | undefined;
  readonly rows: PostgresRow[];
  readonly shape: RowShape | undefined;
  /** What a parser threw; the statement itself has succeeded. */
  readonly unreadable: unknown;
}

/** How statements that are sent in one go run. */
export interface ExchangeOptions {
  /** The longest wait for the answer in ms; 0 for no limit. By default a little above `statementTimeout`. */
  readonly limit?: number | undefined;
  /** Behind this many statements what is answered so far is asked to be sent at once. */
  readonly flushAfter?: number | undefined;
  /** Hears how far it came, before the promise rejects. */
  readonly onFailure?: ((failure: ExchangeFailure) => void) | undefined;
}

/** How far an exchange came that failed. */
export interface ExchangeFailure {
  /** The statement that failed, from 0; as many as there are where the end of the exchange did. */
  readonly position: number;
  /** What those before gave. */
  readonly results: readonly WireResult[];
}

/**
 * What is sent in one go, up to one Sync, and what comes back: results in order, or the error of the first
 * statement that failed, behind which the server skips the rest. It knows no socket.
 */
export class Exchange {
  /** A text for the simple protocol, which may hold several statements; undefined for the extended one. */
  readonly simple: string | undefined;
  readonly statements: readonly WireStatement[];
  /** Behind this many statements what is answered so far is asked to be sent at once; 0 for never. */
  readonly flushAfter: number;
  readonly results: WireResult[] = [];
  /** What the server said, or how the connection was lost. */
  error: unknown;
  readonly #settle: (exchange: Exchange) => void;
  #rows: PostgresRow[] = [];
  #shape: RowShape | undefined;
  #unreadable: unknown;

  /**
   * @param work the statements, or one text for the simple protocol
   * @param settle called once, when the server is ready for the next or the connection is lost
   */
  constructor(work: readonly WireStatement[] | string, settle: (exchange: Exchange) => void, flushAfter = 0) {
    this.simple = typeof work === 'string' ? work : undefined;
    this.statements = typeof work === 'string' ? [] : work;
    this.flushAfter = flushAfter;
    this.#settle = settle;
    this.#shape = this.statements[0]?.prepared?.shape;
  }

  /** Which statement is answered at the moment, from 0; where it failed, the one that did. */
  get position(): number {
    return this.results.length;
  }

  /** Whether its last statement is answered at the moment, behind which its Sync comes; in the extended protocol. */
  get isAtLast(): boolean {
    return this.position === this.statements.length - 1;
  }

  parsed(): void {
    const prepared = this.statements[this.position]?.prepared;
    if (prepared !== undefined) prepared.isParsed = true;
  }

  described(shape: RowShape): void {
    this.#shape = shape;
    const prepared = this.statements[this.position]?.prepared;
    if (prepared !== undefined) prepared.shape = shape;
  }

  row(texts: readonly (string | null)[]): void {
    if (this.#unreadable !== undefined) return;
    // Another exchange may have brought the description of a statement that both prepared.
    const shape = (this.#shape ??= this.statements[this.position]?.prepared?.shape);
    try {
      this.#rows.push(shape!.read(texts));
    } catch (error) {
      this.#unreadable = error;
    }
  }

  completed(tag: string): void {
    const [command = ''] = tag.split(' ', 1);
    this.results.push({
      command,
      rowCount: countOf(tag),
      rows: this.#rows,
      shape: this.#shape,
      unreadable: this.#unreadable,
    });
    this.#rows = [];
    this.#unreadable = undefined;
    this.#shape = this.statements[this.results.length]?.prepared?.shape;
  }

  failed(error: unknown): void {
    this.error ??= error;
  }

  /** Ends it. A statement that was to be prepared and was skipped has to be sent again. */
  end(): void {
    if (this.error !== undefined) {
      for (const { prepared } of this.statements) {
        if (prepared !== undefined && !prepared.isParsed) prepared.isSent = false;
      }
    }
    this.#settle(this);
  }
}

/** The number at the end of a tag such as `SELECT 3` or `INSERT 0 1`. */
function countOf(tag: string): number | undefined {
  const count = Number.parseInt(tag.slice(tag.lastIndexOf(' ') + 1), 10);
  return Number.isNaN(count) ? undefined : count;
}

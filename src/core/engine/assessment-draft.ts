import { destructiveCodes, type DangerCode } from './danger-codes.ts';
import type { SqlToken } from './sql-tokens.ts';
import type {
  AssessmentContext,
  Danger,
  StatementAssessment,
  StatementLock,
} from './statement-assessment.ts';

/** What an engine says of a danger: what happens, and the safe way. */
export type DangerTexts = Readonly<
  Partial<Record<DangerCode, { readonly message: (subject: string) => string; readonly remedy: string }>>
>;

/** Collects what is known of one text while the rules read it. */
export class AssessmentDraft {
  kind = 'unknown';
  rewrites: boolean | undefined = false;
  readonly context: AssessmentContext;
  readonly #texts: DangerTexts;
  readonly #temporary: string;
  readonly #tables = new Set<string>();
  readonly #destroyed = new Set<string>();
  readonly #locks: StatementLock[] = [];
  readonly #dangers: Danger[] = [];
  readonly #makes = new Set<string>();
  readonly #makesIfMissing = new Set<string>();
  readonly #removes: string[] = [];
  readonly #renames: { from: string; to: string }[] = [];
  readonly #alters = new Set<string>();
  readonly #unvalidated = new Set<string>();

  /**
   * @param context what went before
   * @param texts what the engine says of each danger
   * @param temporary the schema of temporary tables
   */
  constructor(context: AssessmentContext, texts: DangerTexts, temporary: string) {
    this.context = context;
    this.#texts = texts;
    this.#temporary = temporary;
  }

  /** Whether the plan, or this very text, has made something. */
  isNew(name: string): boolean {
    return this.context.made.has(name) || this.#makes.has(name);
  }

  /**
   * Writes a name as it is told: without the schema that a name without one means. A temporary table stands in front
   * of one in use that has the same name.
   */
  nameOf(parts: readonly string[]): string {
    const temporary = [this.#temporary, ...parts].join('.');
    if (parts.length === 1 && this.isNew(temporary)) return temporary;
    return (parts.length === 2 && parts[0] === this.context.schema ? parts.slice(1) : parts).join('.');
  }

  /** Writes the name of what is made, which may lie in the schema of temporary tables without saying so. */
  nameOfNew(parts: readonly string[], isTemporary: boolean): string {
    if (parts.length === 1) return isTemporary ? `${this.#temporary}.${parts[0]}` : (parts[0] as string);
    return this.nameOf(parts);
  }

  /** Notes a table that is named; and its lock, unless it is new. */
  touch(table: string, mode?: string): void {
    this.#tables.add(table);
    if (mode !== undefined && !this.isNew(table)) this.lock(table, mode);
  }

  lock(table: string | undefined, mode: string): void {
    if (!this.#locks.some((lock) => lock.table === table && lock.mode === mode))
      this.#locks.push({ table, mode });
  }

  /** Notes a change of a table's schema. */
  alter(table: string): void {
    if (!this.isNew(table)) this.#alters.add(table);
  }

  make(name: string, isThereAlready = false): void {
    this.#makes.add(name);
    if (isThereAlready) this.#makesIfMissing.add(name);
  }

  remove(name: string): void {
    this.#removes.push(name);
  }

  rename(from: string, to: string): void {
    this.#renames.push({ from, to });
  }

  addUnvalidated(constraint: string): void {
    this.#unvalidated.add(constraint);
  }

  /** Notes a danger, with what it is about, and the data that it loses where it does. */
  danger(code: DangerCode, subject: string, destroys = subject): void {
    const text = this.#texts[code];
    if (text === undefined) return;
    if (destructiveCodes.has(code)) this.#destroyed.add(destroys);
    const message = text.message(subject);
    if (this.#dangers.some((danger) => danger.code === code && danger.message === message)) return;
    this.#dangers.push({ code, message, remedy: text.remedy });
  }

  finish(): StatementAssessment {
    return {
      kind: this.kind,
      tables: [...this.#tables],
      destroys: this.#destroyed.size === 0 ? undefined : [...this.#destroyed].join(', '),
      locks: this.#locks,
      rewrites: this.rewrites,
      dangers: this.#dangers,
      effects: {
        makes: [...this.#makes],
        makesIfMissing: [...this.#makesIfMissing],
        removes: this.#removes,
        renames: this.#renames,
        alters: [...this.#alters],
        unvalidated: [...this.#unvalidated],
      },
      measured: false,
    };
  }
}

/** Judges the tokens of one statement, and writes down what it finds. */
export type StatementRule = (tokens: readonly SqlToken[], draft: AssessmentDraft) => void;

import { loadCrypto } from '../../foundation/node-crypto.ts';

/** What a pool knows of one text. */
interface StatementRecord {
  /** Its name on the server, without the generation; empty before the second use. */
  hash: string;
  /** How long it takes, in ms: an average that forgets; undefined before the first answer. */
  duration: number | undefined;
}

/** How many texts a pool remembers. */
const capacity = 2_048;
/** So many failures of names, with fewer than `trust` successes between two of them, end the naming. */
const patience = 5;
const trust = 100;
/** What the last answer counts for in the average of durations. */
const weight = 0.2;

/**
 * What all sessions of a pool know of the statements: which have a name and how long they take. A text gets
 * its name with its second use: one that is never used again would only push others out.
 */
export class StatementCatalog {
  readonly #records = new Map<string, StatementRecord>();
  readonly #onGivingUp: () => void;
  #isNaming: boolean;
  #generation = 0;
  #failures = 0;
  #successes = 0;

  /**
   * @param prepare whether statements get names at all
   * @param onGivingUp called once, when the names are given up
   */
  constructor(prepare: 'auto' | 'off', onGivingUp: () => void) {
    this.#isNaming = prepare === 'auto';
    this.#onGivingUp = onGivingUp;
  }

  /** Moves on when what was prepared is of no use any more: every session forgets its statements then. */
  get generation(): number {
    return this.#generation;
  }

  /** @returns the name of a text; undefined at its first use, and where there are no names */
  nameOf(text: string): string | undefined {
    if (!this.#isNaming) return undefined;
    const record = this.#records.get(text);
    if (record === undefined) {
      this.#remember(text);
      return undefined;
    }
    if (record.hash === '')
      record.hash = loadCrypto().createHash('sha256').update(text).digest('base64url').slice(0, 16);
    return `l${this.#generation}_${record.hash}`;
  }

  /** Notes that a statement was run by its name. */
  noteSuccess(): void {
    if (this.#failures === 0) return;
    this.#successes += 1;
    if (this.#successes >= trust) this.#failures = 0;
  }

  /**
   * Notes that the server knew a name otherwise than we did. All statements are prepared anew, under other
   * names: what has changed for one session (a table, a pooler in between) has changed for all.
   *
   * @param generation of the name; where it is an older one, the others were told already
   * @param isFailure whether it speaks against naming at all
   */
  noteStale(generation: number, isFailure: boolean): void {
    if (generation !== this.#generation) return;
    this.#generation += 1;
    if (!isFailure) return;
    this.#failures += 1;
    this.#successes = 0;
    if (this.#failures < patience || !this.#isNaming) return;
    this.#isNaming = false;
    this.#onGivingUp();
  }

  /** Notes how long a text took, in ms. */
  noteDuration(text: string, duration: number): void {
    const record = this.#records.get(text) ?? this.#remember(text);
    record.duration = (record.duration ?? duration) * (1 - weight) + duration * weight;
  }

  /** @returns how long a text takes, in ms: an average that forgets; undefined where it was never timed */
  durationOf(text: string): number | undefined {
    return this.#records.get(text)?.duration;
  }

  #remember(text: string): StatementRecord {
    if (this.#records.size >= capacity) {
      const [oldest] = this.#records.keys();
      if (oldest !== undefined) this.#records.delete(oldest);
    }
    const record: StatementRecord = { hash: '', duration: undefined };
    this.#records.set(text, record);
    return record;
  }
}

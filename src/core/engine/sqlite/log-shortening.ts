import type { Checkpoints } from './checkpoints.ts';
import { endSharedReads } from './shared-read.ts';
import type { SqliteLane } from './sqlite-lane.ts';

/** From how long a snapshot is held, in ms, the write-ahead log may have grown behind it. */
const longSnapshot = 500;

/** Remembers that the write-ahead log may be long, and has the writer shorten it once it is free. */
export class LogShortening {
  readonly #checkpoints: Checkpoints;
  readonly #writer: SqliteLane;
  readonly #filename: string;
  #isDue = false;

  constructor(checkpoints: Checkpoints, writer: SqliteLane, filename: string) {
    this.#checkpoints = checkpoints;
    this.#writer = writer;
    this.#filename = filename;
  }

  /** A snapshot has ended that was held for that long, in ms. */
  noteSnapshot(heldFor: number): void {
    if (heldFor >= longSnapshot) this.#isDue = true;
  }

  /** The log may have grown behind somebody else's snapshot. */
  ask(): void {
    this.#isDue = true;
  }

  /** Shortens the log where that is due and the writer is free; else whoever gives it back tries again. */
  shorten(): void {
    if (!this.#isDue) return;
    const writer = this.#writer.tryTake();
    if (writer === undefined) return;
    try {
      endSharedReads();
      this.#isDue = !this.#checkpoints.shortenLog(writer.database, this.#filename);
    } finally {
      this.#writer.giveBack(writer);
    }
  }
}

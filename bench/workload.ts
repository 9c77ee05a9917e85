/** The work that every contender does: a table of notes with 10,000 rows. */

/** A row of the table. */
export interface Note {
  id: string;
  title: string;
  made_at: number;
  version: number;
}

/** The tables, for Kysely. */
export interface Tables {
  notes: Note;
}

/** One way to do the work. */
export interface Contender {
  byKey(id: string): Promise<unknown>;
  page(after: number): Promise<unknown>;
  insert(note: Note): Promise<void>;
  /** Reads a note and writes it at its next version, in one transaction. */
  change(id: string): Promise<void>;
  close(): Promise<void>;
}

/** A task, and how many calls of it make one measurement. */
export interface Task {
  readonly name: string;
  readonly calls: number;
  readonly run: (contender: Contender, call: number) => Promise<unknown>;
}

export const noteCount = 10_000;

export const createTable = `create table notes (
  id text not null primary key, title text not null, made_at integer not null, version integer not null
) strict`;
export const createIndex = 'create index notes_made_at_index on notes (made_at, id)';

export function makeNote(number: number): Note {
  const id = `018f0000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;
  return { id, title: `note ${number}`, made_at: number, version: 1 };
}

let inserted = noteCount;

export const tasks: readonly Task[] = [
  {
    name: 'one row by key',
    calls: 1_000,
    run: (contender, call) => contender.byKey(makeNote((call * 7) % noteCount).id),
  },
  {
    name: 'keyset page of 20',
    calls: 300,
    run: (contender, call) => contender.page((call * 13) % (noteCount - 100)),
  },
  {
    name: 'insert one',
    calls: 100,
    // Every contender has a file of its own, so that a number used once is free in each.
    run: (contender) => contender.insert(makeNote((inserted += 1))),
  },
  {
    name: 'transaction: read and update',
    calls: 100,
    run: (contender, call) => contender.change(makeNote(call).id),
  },
];

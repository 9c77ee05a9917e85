import { createHash, type Hash } from 'node:crypto';
import type { Kysely } from 'kysely';
import { DatabaseProviderFactory, silentLogger, type DatabaseConfigInput } from '../../../core/index.ts';
import type { LegacyHandle } from '../legacy-tables.ts';
import { readNotedPlaces, type NotedPlaces } from './noted-places.ts';
import {
  contentOfSource,
  countMembers,
  elementsOf,
  readSourceRows,
  targetIdOf,
  type SourceRow,
} from './source-content.ts';
import { countOwned, countRows, ownedTables, readTargetThreads } from './target-content.ts';
import { hashThread } from './thread-content.ts';

/** What there is of one kind on both sides. */
export interface LegacyCount {
  /** In the legacy databases. */
  readonly source: number;
  /** Of these in quarantine alone. */
  readonly leftOut: number;
  /** In the target, of what the legacy databases hold. */
  readonly target: number;
}

/** What the legacy databases hold. */
export const legacyKinds = [
  'users',
  'oauth_identities',
  'api_keys',
  'user_preferences',
  'context_threads',
  'messages',
] as const;

/** A kind of record, by the table that it goes to. */
export type LegacyKind = (typeof legacyKinds)[number];

/** What was found when both sides were read again. */
export interface LegacyProof {
  /** By the table of the target. */
  readonly counts: Readonly<Record<LegacyKind, LegacyCount>>;
  /** The hash of the contents of all threads, as the legacy databases say them. */
  readonly sourceHash: string;
  /** The same, as the target has them. */
  readonly targetHash: string;
  /** How many records differ; 0 where the import is proved. */
  readonly differences: number;
  /** The first of them: which record of which legacy database, and in what. */
  readonly examples: readonly string[];
}

/** What a proof looks at. */
export interface ProofOptions {
  /** The snapshots, in their order. */
  readonly files: readonly string[];
  /** Whether the target holds nothing else, so that its tables are counted whole as well. */
  readonly isAlone: boolean;
  /** Hears how many records of both tables are done. */
  readonly onProgress: (done: number) => void;
}

const rowsTogether = 100;
const mostExamples = 20;
const columnsOfTables = {
  oauth_identities: 'auth_providers',
  api_keys: 'api_keys',
  user_preferences: 'preferences',
} as const;

/**
 * Proves an import: reads both sides again, each by code that the import does not use, and compares the counts of all
 * records and the content of every thread. Where something was mended, the quarantine says so, and it is passed over.
 */
export async function proveImport(target: LegacyHandle, options: ProofOptions): Promise<LegacyProof> {
  const proof = new RunningProof(target, options.onProgress);
  for (const [index, file] of options.files.entries()) {
    const config: DatabaseConfigInput = { type: 'sqlite', connection: { filename: file } };
    const provider = DatabaseProviderFactory.createProvider<unknown>(config, { logger: silentLogger });
    try {
      await proof.readUsers(provider.db, index + 1);
      await proof.readThreads(provider.db, index + 1);
    } finally {
      await provider.close();
    }
  }
  if (options.isAlone) await proof.countWhole();
  return proof.end();
}

class RunningProof {
  readonly #target: LegacyHandle;
  readonly #onProgress: (done: number) => void;
  readonly #counts = new Map<LegacyKind, { source: number; leftOut: number; target: number }>(
    legacyKinds.map((kind) => [kind, { source: 0, leftOut: 0, target: 0 }]),
  );
  readonly #hashes: { readonly source: Hash; readonly target: Hash } = {
    source: createHash('sha256'),
    target: createHash('sha256'),
  };
  readonly #examples: string[] = [];
  #differences = 0;
  #done = 0;

  constructor(target: LegacyHandle, onProgress: (done: number) => void) {
    this.#target = target;
    this.#onProgress = onProgress;
  }

  async readUsers(source: Kysely<unknown>, number: number): Promise<void> {
    for await (const rows of readSourceRows(source, 'users', rowsTogether)) {
      const notedOf = await readNotedPlaces(
        this.#target,
        'users',
        number,
        rows.map(({ rowid }) => rowid),
      );
      const records = rows.map((row) => {
        const noted = notedOf(row.rowid);
        return { row, noted, id: targetIdOf(row, 'users', number, noted) };
      });
      const ids = records.filter(({ noted }) => !noted.isLeftOut).map(({ id }) => id);
      const owned = await countOwned(this.#target, ids);
      for (const { row, noted, id } of records) {
        const found = noted.isLeftOut ? undefined : owned.get(id);
        const counts = { source: 1, leftOut: noted.isLeftOut ? 1 : 0, target: found === undefined ? 0 : 1 };
        this.#compare('users', counts, `users ${number}:${row.rowid}`);
        for (const table of ownedTables) {
          const column = columnsOfTables[table];
          const members = noted.isUnreadable(column) ? 0 : countMembers(row, column);
          const owns = { source: members, leftOut: noted.countOut(column), target: found?.get(table) ?? 0 };
          this.#compare(table, owns, `users ${number}:${row.rowid} ${column}`);
        }
      }
      this.#tell(rows.length);
    }
  }

  async readThreads(source: Kysely<unknown>, number: number): Promise<void> {
    for await (const rows of readSourceRows(source, 'context_threads', rowsTogether)) {
      const notedOf = await readNotedPlaces(
        this.#target,
        'context_threads',
        number,
        rows.map(({ rowid }) => rowid),
      );
      const records = rows.map((row) => {
        const noted = notedOf(row.rowid);
        return { row, noted, id: targetIdOf(row, 'context_threads', number, noted) };
      });
      const kept = records.filter(({ noted }) => !noted.isLeftOut);
      const found = await readTargetThreads(this.#target, new Map(kept.map(({ id, noted }) => [id, noted])));
      for (const { row, noted, id } of records) this.#compareThread(row, number, noted, found.get(id), id);
      this.#tell(rows.length);
    }
  }

  /** What nobody has said would come must not be there. */
  async countWhole(): Promise<void> {
    for (const kind of legacyKinds) {
      const rows = await countRows(this.#target, kind);
      const { target } = this.#counts.get(kind)!;
      if (rows !== target)
        this.#note(`${kind}: ${rows} rows, of which ${target} are of the legacy databases`);
    }
  }

  end(): LegacyProof {
    return {
      counts: Object.fromEntries(this.#counts) as LegacyProof['counts'],
      sourceHash: this.#hashes.source.digest('hex'),
      targetHash: this.#hashes.target.digest('hex'),
      differences: this.#differences,
      examples: this.#examples,
    };
  }

  #compareThread(
    row: SourceRow,
    number: number,
    noted: NotedPlaces,
    found: Parameters<typeof hashThread>[0] | undefined,
    id: string,
  ): void {
    const place = `context_threads ${number}:${row.rowid}`;
    const elements = noted.isUnreadable('messages') ? 0 : elementsOf(row).length;
    const isLeftOut = noted.isLeftOut;
    const target = isLeftOut ? undefined : found;
    this.#compare(
      'context_threads',
      { source: 1, leftOut: isLeftOut ? 1 : 0, target: target ? 1 : 0 },
      place,
    );
    const leftOut = isLeftOut ? elements : noted.countOut('messages');
    this.#compare(
      'messages',
      { source: elements, leftOut, target: target?.messages.length ?? 0 },
      `${place} messages`,
    );
    if (isLeftOut) return;
    const expected = hashThread(contentOfSource(row, id, noted));
    const actual = target === undefined ? '' : hashThread(target);
    this.#hashes.source.update(expected);
    this.#hashes.target.update(actual);
    if (expected !== actual) this.#note(`${place}: the content differs`);
  }

  #compare(kind: LegacyKind, { source, leftOut, target }: LegacyCount, place: string): void {
    const sum = this.#counts.get(kind)!;
    sum.source += source;
    sum.leftOut += leftOut;
    sum.target += target;
    if (target !== source - leftOut) this.#note(`${place}: ${target} instead of ${source - leftOut}`);
  }

  #note(difference: string): void {
    this.#differences += 1;
    if (this.#examples.length < mostExamples) this.#examples.push(difference);
  }

  #tell(rows: number): void {
    this.#done += rows;
    this.#onProgress(this.#done);
  }
}

import { chatMigrations } from '../../../migrations/chat/index.ts';
import { legacyMigrations } from '../../../migrations/legacy/index.ts';
import { healthMigrations } from '../../core/health/index.ts';
import {
  ConfigurationError,
  ValidationError,
  sagaMigrations,
  type DatabaseProvider,
} from '../../core/index.ts';
import { Migrator } from '../../core/migrate/index.ts';
import { PreferenceRepository } from '../account/preference-repository.ts';
import { UserRepository } from '../account/user-repository.ts';
import type { ChatDatabase } from '../chat-database.ts';
import { ContextThreadRepository } from '../conversation/context-thread-repository.ts';
import { MessageRepository } from '../conversation/message-repository.ts';
import { MessageSearch } from '../conversation/message-search.ts';
import { checkLegacySecrets } from './check-legacy-secrets.ts';
import type { LegacyImportOptions, LegacyImportReport } from './legacy-import-options.ts';
import {
  beginImport,
  findImport,
  moveImport,
  type BegunImport,
  type LegacyPlace,
} from './legacy-progress.ts';
import { keepSnapshots, removeSnapshots, type LegacySnapshots } from './legacy-snapshots.ts';
import type { LegacyThreadRow, LegacyUserRow } from './legacy-rows.ts';
import { LegacySource } from './legacy-source.ts';
import { withLegacyTables, type LegacyHandle } from './legacy-tables.ts';
import { readLegacyThread, type LegacyThread } from './legacy-thread.ts';
import { readLegacyUser, type LegacyUser } from './legacy-user.ts';
import { countNotes } from './read-quarantine.ts';
import { legacyKinds, proveImport } from './proof/prove-import.ts';
import { countRows } from './proof/target-content.ts';
import { prepareThreads, storeThreads } from './store-threads.ts';
import { storeUsers } from './store-users.ts';

const sets = [healthMigrations, sagaMigrations, chatMigrations, legacyMigrations];
/**
 * Ids are random, so that a transaction of some thousand messages changes nearly every page of an index: with ten thousand
 * less than half as much is written for the same rows as with two thousand.
 */
const defaultBatchSize = 10_000;
const mostRecords = 1_000;
/** In UTF-16 code units. */
const mostText = 2 ** 22;
const mostSources = 9;
const keyLength = 32;

/** See `importLegacy`. */
export async function runLegacyImport(
  provider: DatabaseProvider<ChatDatabase>,
  options: LegacyImportOptions,
): Promise<LegacyImportReport> {
  checkOptions(options);
  const { sources, stateFolder, intoExisting = false } = options;
  for (const set of sets) await new Migrator(provider, set).latest();
  const db = withLegacyTables(provider.db);
  const begun = await findImport(db);
  if (begun === undefined && !intoExisting) await requireEmpty(db);
  const snapshots = await keepSnapshots(sources, stateFolder, begun?.fingerprint);
  let isDone = false;
  try {
    const report = await importSnapshots(provider, snapshots, options, begun);
    isDone = report.proof.differences === 0;
    return report;
  } finally {
    // They hold whatever the legacy databases do, so that they stay only while a next run needs them.
    if (isDone || (begun === undefined && (await hasNotBegun(db)))) await removeSnapshots(stateFolder);
  }
}

async function hasNotBegun(db: LegacyHandle): Promise<boolean> {
  try {
    return (await findImport(db)) === undefined;
  } catch {
    // Who cannot be asked may have begun.
    return false;
  }
}

async function importSnapshots(
  provider: DatabaseProvider<ChatDatabase>,
  { files, fingerprint }: LegacySnapshots,
  options: LegacyImportOptions,
  begun: BegunImport | undefined,
): Promise<LegacyImportReport> {
  const { sources, intoExisting = false, onProgress = () => {} } = options;
  const db = withLegacyTables(provider.db);
  const opened: LegacySource[] = [];
  try {
    for (const [index, file] of files.entries()) opened.push(await LegacySource.open(file, sources[index]!));
    // A run that goes on may have been given other keys than the one before it.
    if (begun === undefined || begun.stage < opened.length) await checkLegacySecrets(opened, options);
    const start = begun ?? { ...firstPlace, fingerprint, isAlone: !intoExisting };
    if (begun === undefined) await beginImport(db, start);
    const run = new ImportRun(provider, opened, options);
    const { messages, duration } = await run.go(start);
    const proof = await proveImport(db, {
      files,
      isAlone: start.isAlone && !intoExisting,
      onProgress: (done) => onProgress({ stage: 'proof', done, total: run.total, messages }),
    });
    return { isResumed: begun !== undefined, messages, duration, quarantine: await countNotes(db), proof };
  } finally {
    for (const source of opened) await source.close();
  }
}

const firstPlace: LegacyPlace = { stage: 0, rowid: null };

/** One run of an import, over its steps: the users of each database, then the threads of each. */
class ImportRun {
  readonly #provider: DatabaseProvider<ChatDatabase>;
  readonly #sources: readonly LegacySource[];
  readonly #options: LegacyImportOptions;
  readonly #batchSize: number;
  #place = firstPlace;
  #done = 0;
  #messages = 0;
  total = 0;

  constructor(
    provider: DatabaseProvider<ChatDatabase>,
    sources: readonly LegacySource[],
    options: LegacyImportOptions,
  ) {
    this.#provider = provider;
    this.#sources = sources;
    this.#options = options;
    this.#batchSize = options.batchSize ?? defaultBatchSize;
  }

  /** Goes on from a place to the end. */
  async go(from: LegacyPlace): Promise<{ readonly messages: number; readonly duration: number }> {
    const start = performance.now();
    this.#place = from;
    const steps = [
      ...this.#sources.map((source, index) => ({
        count: (place?: string) => source.count('users', place),
        run: () => this.#importUsers(source, index + 1),
      })),
      ...this.#sources.map((source, index) => ({
        count: (place?: string) => source.count('context_threads', place),
        run: () => this.#importThreads(source, index + 1),
      })),
    ];
    for (const [stage, { count }] of steps.entries()) {
      const all = await count();
      this.total += all;
      if (stage < from.stage) this.#done += all;
      else if (stage === from.stage && from.rowid !== null) this.#done += await count(from.rowid);
    }
    for (const [stage, { run }] of steps.entries()) {
      if (stage < this.#place.stage) continue;
      await run();
      await this.#commit({ stage: stage + 1, rowid: null }, 0, async () => {});
    }
    return { messages: this.#messages, duration: performance.now() - start };
  }

  async #importUsers(source: LegacySource, number: number): Promise<void> {
    const stores = {
      users: new UserRepository(this.#provider),
      preferences: new PreferenceRepository(this.#provider),
      encryption: this.#options.encryption,
    };
    const keys = { legacyKey: this.#options.legacyKey };
    const isFull = fillingOf(this.#batchSize);
    const rows = source.users(this.#place.rowid);
    const read = (row: LegacyUserRow): LegacyUser => readLegacyUser(row, number, keys);
    for await (const batch of inBatches(rows, read, () => isFull([]))) {
      await this.#commit(this.#behind(batch), batch.length, async (tx) => {
        await storeUsers(tx, batch, stores);
      });
    }
  }

  async #importThreads(source: LegacySource, number: number): Promise<void> {
    const messages = new MessageRepository(this.#provider);
    const threads = new ContextThreadRepository(this.#provider);
    const stores = { threads, messages, search: new MessageSearch(this.#provider, messages) };
    const rows = source.threads(this.#place.rowid);
    const isFull = fillingOf(this.#batchSize);
    const read = (row: LegacyThreadRow): LegacyThread => readLegacyThread(row, number);
    for await (const batch of inBatches(rows, read, ({ messages: own }) => isFull(own))) {
      const prepared = prepareThreads(batch);
      await this.#commit(this.#behind(batch), batch.length, async (tx) => {
        const stored = await storeThreads(tx, prepared, stores);
        return stored.messages;
      });
    }
  }

  #behind(batch: readonly { readonly rowid: string }[]): LegacyPlace {
    return { stage: this.#place.stage, rowid: batch.at(-1)!.rowid };
  }

  async #commit(
    to: LegacyPlace,
    records: number,
    work: (tx: LegacyHandle) => Promise<number | void>,
  ): Promise<void> {
    const from = this.#place;
    const messages = await this.#provider.transaction(async (tx) => {
      const handle = withLegacyTables(tx);
      await moveImport(handle, from, to);
      return work(handle);
    });
    this.#place = to;
    this.#done += records;
    this.#messages += messages ?? 0;
    const { onProgress = () => {} } = this.#options;
    onProgress({ stage: 'import', done: this.#done, total: this.total, messages: this.#messages });
  }
}

async function* inBatches<Row, Read>(
  rows: AsyncIterable<Row>,
  read: (row: Row) => Read,
  isLast: (one: Read) => boolean,
): AsyncGenerator<readonly Read[]> {
  let batch: Read[] = [];
  for await (const row of rows) {
    const one = read(row);
    batch.push(one);
    if (!isLast(one)) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Tells of each record, by its messages, whether a transaction is full with it; then the next one begins. */
function fillingOf(batchSize: number): (own: LegacyThread['messages']) => boolean {
  let [records, messages, text] = [0, 0, 0];
  return (own) => {
    records += 1;
    messages += own.length;
    for (const { message } of own) text += message.content.length;
    const isFull = records >= Math.min(mostRecords, batchSize) || messages >= batchSize || text >= mostText;
    if (isFull) [records, messages, text] = [0, 0, 0];
    return isFull;
  };
}

function checkOptions({ sources, legacyKey, batchSize = defaultBatchSize }: LegacyImportOptions): void {
  if (sources.length === 0 || sources.length > mostSources) {
    throw new ValidationError([{ path: ['sources'], message: `must be from 1 to ${mostSources} files` }]);
  }
  if (new Set(sources).size < sources.length) {
    throw new ValidationError([{ path: ['sources'], message: 'must not name a file twice' }]);
  }
  if (legacyKey !== undefined && legacyKey.length !== keyLength) {
    throw new ValidationError([{ path: ['legacyKey'], message: `must have ${keyLength} bytes` }]);
  }
  if (Number.isSafeInteger(batchSize) && batchSize >= 1) return;
  throw new ValidationError([{ path: ['batchSize'], message: 'must be a whole number from 1' }]);
}

async function requireEmpty(db: LegacyHandle): Promise<void> {
  for (const kind of legacyKinds) {
    if ((await countRows(db, kind)) === 0) continue;
    throw new ConfigurationError(
      `The target holds rows in ${kind} already, so nothing was imported. Import into an empty database, or say that it may hold others (intoExisting, --into-existing).`,
    );
  }
}

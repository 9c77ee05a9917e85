import { NotFoundError } from '../foundation/errors/entity-errors.ts';
import { deleteByKeyReturning, deleteRowReturning, updateRowKnowing } from './change-row.ts';
import { insertChunk, insertOrLock, insertRow, upsertRow } from './insert-rows.ts';
import { lockRow, lockTarget } from './lock-row.ts';
import type { ReadContext } from './plan-read.ts';
import type { RowTarget } from './row-target.ts';
import type { RunShape, StoredRow, UntypedDatabase } from './stored-row.ts';
import type { ObservedWrite, RowChange, WriteObserver } from './write-observer.ts';

/** What the observed writes of a repository are made of. */
interface ObservedParts {
  readonly observer: WriteObserver;
  readonly context: ReadContext;
  /** Runs statements on a transaction. */
  readonly runnerOn: (tx: UntypedDatabase) => RunShape;
  /** Runs work in the transaction of a handle, or in one of its own. */
  readonly inTransaction: <Result>(
    on: UntypedDatabase | undefined,
    work: (tx: UntypedDatabase) => Promise<Result>,
  ) => Promise<Result>;
}

type Sending = Pick<ObservedWrite, 'kind' | 'key' | 'lock' | 'send'>;

/**
 * The writes of a repository in which an observer takes part: they tell what each row was before. That is read in the
 * statement that writes, where SQL has it, and else under a lock ahead of it, so that nobody comes between.
 */
export class ObservedWrites {
  readonly #parts: ObservedParts;

  constructor(parts: ObservedParts) {
    this.#parts = parts;
  }

  /** As `insertRow`. */
  insert(on: UntypedDatabase | undefined, row: StoredRow): Promise<StoredRow> {
    const { definition } = this.#parts.context;
    return this.#storeOne(on, (run) => ({
      kind: 'insert',
      send: async () => [inserted(await insertRow(run, definition, row))],
    }));
  }

  /**
   * Inserts rows that were divided into statements. Each is a write of its own: where one is refused, others stand.
   *
   * @param conflict as of `insertChunk`
   * @returns the rows that were stored, in no order
   */
  insertMany(
    on: UntypedDatabase | undefined,
    chunks: readonly (readonly StoredRow[])[],
    conflict?: readonly string[],
  ): Promise<readonly StoredRow[]> {
    const { context, observer, runnerOn, inTransaction } = this.#parts;
    const { definition } = context;
    return inTransaction(on, async (tx) => {
      const run = runnerOn(tx);
      const sendChunk = async (chunk: readonly StoredRow[]): Promise<RowChange[]> =>
        (await insertChunk(run, definition, chunk, definition.names, conflict)).map(inserted);
      const stored: StoredRow[] = [];
      for (const chunk of chunks) {
        const write = { kind: 'insert', definition, send: () => sendChunk(chunk) } as const;
        for (const { after } of await observer.write(write, tx)) if (after !== undefined) stored.push(after);
      }
      return stored;
    });
  }

  /** As `updateRow`. */
  update(on: UntypedDatabase | undefined, target: RowTarget, row: StoredRow): Promise<StoredRow> {
    const { context } = this.#parts;
    return this.#storeOne(on, (run) => ({
      kind: 'update',
      key: target.key,
      send: async (known) => [await updateRowKnowing(run, context, target, row, known)],
    }));
  }

  /** As `deleteRow`. */
  async delete(on: UntypedDatabase | undefined, target: RowTarget): Promise<void> {
    const { context } = this.#parts;
    await this.#write(on, (run) => ({
      kind: 'delete',
      lock: () => lockTarget(run, context, target, 'delete'),
      send: async () => [
        { before: await deleteRowReturning(run, context.definition, target), after: undefined },
      ],
    }));
  }

  /** As `deleteByKey`. */
  async deleteById(on: UntypedDatabase | undefined, key: readonly unknown[]): Promise<boolean> {
    const { context } = this.#parts;
    const { definition } = context;
    const changes = await this.#write(on, (run) => ({
      kind: 'delete',
      lock: () => lockRow(run, context, definition.key, key, 'delete'),
      async send() {
        const before = await deleteByKeyReturning(run, definition, key);
        return before === undefined ? [] : [{ before, after: undefined }];
      },
    }));
    return changes.length > 0;
  }

  /** As `upsertRow`. */
  upsert(on: UntypedDatabase | undefined, row: StoredRow, conflict: readonly string[]): Promise<StoredRow> {
    return this.#storeOne(on, (run) => ({
      kind: 'upsert',
      send: async () => [await this.#insertOrUpdate(run, row, conflict)],
    }));
  }

  async #insertOrUpdate(run: RunShape, row: StoredRow, conflict: readonly string[]): Promise<RowChange> {
    const { context } = this.#parts;
    const { definition } = context;
    const columns = conflict.flatMap((name) => definition.columns.get(name) ?? []);
    const values = conflict.map((name) => row[name] ?? null);
    const lock = (): Promise<StoredRow | undefined> => lockRow(run, context, columns, values, 'update');
    let before = await lock();
    if (before === undefined) {
      const after = await insertOrLock(run, definition, row, conflict);
      if (after !== undefined) return inserted(after);
      // Somebody else has inserted it meanwhile. It is locked now, and a statement behind that one sees it.
      before = await lock();
    }
    // It is there, and is not for the caller to see.
    if (before === undefined) throw new NotFoundError(definition.table);
    return { before, after: await upsertRow(run, definition, row, conflict) };
  }

  async #storeOne(on: UntypedDatabase | undefined, make: (run: RunShape) => Sending): Promise<StoredRow> {
    const [change] = await this.#write(on, make);
    // Each of those who ask sends what gives a row, or throws.
    return change?.after as StoredRow;
  }

  #write(on: UntypedDatabase | undefined, make: (run: RunShape) => Sending): Promise<readonly RowChange[]> {
    const { observer, context, runnerOn, inTransaction } = this.#parts;
    return inTransaction(on, (tx) =>
      observer.write({ definition: context.definition, ...make(runnerOn(tx)) }, tx),
    );
  }
}

function inserted(after: StoredRow): RowChange {
  return { before: undefined, after };
}

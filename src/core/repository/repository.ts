import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import type { ColumnName, TableColumns } from '../query/column.ts';
import { deleteByKey, deleteRow, updateRow } from './change-row.ts';
import { inTransaction } from './in-transaction.ts';
import { divideRows, insertChunk, insertRow, upsertRow } from './insert-rows.ts';
import { ObservedWrites } from './observed-writes.ts';
import { planKey, throwFaults } from './plan-read.ts';
import { prepareRow, versionOf } from './prepare-row.ts';
import { handleOf, type DefaultKey, type KeyValue, type RepositoryCallOptions } from './read-options.ts';
import { ReadRepository } from './read-repository.ts';
import type { RowTarget } from './row-target.ts';
import type { RunShape, StoredRow, UntypedDatabase } from './stored-row.ts';
import type { WriteObserver } from './write-observer.ts';
import type { RepositoryProvider } from './repository-provider.ts';
import type { RepositoryOptions } from './table-definition.ts';

/** How an upsert decides that a row is there already. */
export interface UpsertOptions<DB, Row> extends RepositoryCallOptions<DB> {
  /** The columns of a unique constraint; the key by default. */
  readonly conflict?: readonly ColumnName<Row>[];
}

/**
 * Finds and changes rows of one table as entities, with optimistic locking where the table has a version.
 * Each write is one statement, checked before it is sent; what must hold together goes into one transaction
 * by `{ on: tx }`. It knows no relations: rows that belong to others are their repository's.
 *
 * @typeParam DB the table interfaces
 * @typeParam Table the table's name
 * @typeParam Entity what a row is to the domain
 * @typeParam JsonShapes the shapes of JSON columns by name, for filters on paths
 * @typeParam Key the column of the key, or a union of them; `id` by default
 * @example
 * const users = new Repository<Tables, 'users', User>(provider, {
 *   table: 'users',
 *   key: 'id',
 *   version: 'version',
 *   insertOnly: ['created_at'],
 *   columns: { id: 'uuid', email: 'text', display_name: 'text?', version: 'integer', created_at: 'integer' },
 *   mapper: { fromRow: userFromRow, toRow: userToRow },
 * });
 * const user = await users.insert(createUser({ email: 'a@example.org' }));
 * const renamed = await users.update({ ...user, displayName: 'A' });
 */
export class Repository<
  DB,
  Table extends keyof DB & string,
  Entity,
  JsonShapes = unknown,
  Key extends ColumnName<DB[Table]> = DefaultKey<DB[Table]>,
> extends ReadRepository<DB, Table, Entity, JsonShapes, Key> {
  readonly #toRow: (entity: Entity) => object;
  readonly #options: RepositoryOptions<DB, Table, Entity, JsonShapes, Key>;
  /** Where somebody takes part in what it writes. */
  readonly #observed: ObservedWrites | undefined;

  /**
   * @param provider `DatabaseProvider`, or its `db` and `sql`
   * @param options the table, its key, version and columns, and the mapper
   * @throws ValidationError with every fault of the options
   */
  constructor(
    provider: RepositoryProvider<DB>,
    options: RepositoryOptions<DB, Table, Entity, JsonShapes, Key>,
  ) {
    super(provider, options);
    this.#options = options;
    this.#toRow = (entity) => options.mapper.toRow(entity, this.context.definition.uuids);
    this.#observed = provider.writes && this.#observe(provider, provider.writes);
  }

  /**
   * Stores a new entity.
   *
   * @param entity its version is stored as it is
   * @param options `on` is the transaction or handle that it takes part in
   * @returns the entity as it was stored, with what the database itself filled in
   * @throws ValidationError where a value would not come back as it went in
   * @throws UniqueViolationError, ForeignKeyViolationError, NotNullViolationError or CheckViolationError
   *   where a constraint of the table does not hold
   */
  async insert(entity: Entity, options: RepositoryCallOptions<DB> = {}): Promise<Entity> {
    const row = this.#rowOf(entity);
    const stored =
      this.#observed === undefined
        ? insertRow(this.runner(options), this.context.definition, row)
        : this.#observed.insert(untypedHandle(options), row);
    return this.toEntity(await stored);
  }

  /**
   * Stores new entities, all or none: several statements run in one transaction. With `on` that transaction
   * is the caller's, so that it is the caller's rollback that undoes them.
   *
   * @param entities any number; no entity sends nothing
   * @param options `on` is the transaction or handle that it takes part in
   * @returns how many were stored
   * @throws ValidationError before anything is sent; and as `insert`
   */
  async insertMany(entities: readonly Entity[], options: RepositoryCallOptions<DB> = {}): Promise<number> {
    const rows = this.#rowsOf(entities);
    await this.#insertAll(rows, options);
    return rows.length;
  }

  /**
   * Stores those of new entities that are not there yet: a row that has the same values in the columns of a unique
   * constraint stays as it is. All or none, as `insertMany`.
   *
   * @param entities any number; no entity sends nothing
   * @param options `conflict`: the columns of the unique constraint (the key by default); `on`
   * @returns those that were stored, in no order
   * @throws UniqueViolationError where another unique constraint is hit
   * @throws ValidationError before anything is sent; or a violated constraint, as `insert`
   */
  async insertMissing(
    entities: readonly Entity[],
    options: UpsertOptions<DB, DB[Table]> = {},
  ): Promise<Entity[]> {
    const conflict = this.#conflictOf(options);
    const { names } = this.context.definition;
    const stored = await this.#insertAll(this.#rowsOf(entities), options, names, conflict);
    return stored.map((row) => this.toEntity(row));
  }

  /**
   * Stores a changed entity. The columns of `insertOnly` stay as they are; where it writes an encrypted column, those
   * that ciphertexts are bound to must be as they are stored, or there is no such row.
   *
   * @param entity with the version at which it was read
   * @param options `on` is the transaction or handle that it takes part in
   * @returns the entity as it is stored now, its version one higher
   * @throws NotFoundError where there is no row with its key
   * @throws StaleEntityError where the row is at another version: somebody changed it meanwhile
   * @throws ValidationError, or a violated constraint, as `insert`
   */
  async update(entity: Entity, options: RepositoryCallOptions<DB> = {}): Promise<Entity> {
    const row = this.#rowOf(entity);
    const target = this.#targetOf(row);
    const stored =
      this.#observed === undefined
        ? updateRow(this.runner(options), this.context.definition, target, row)
        : this.#observed.update(untypedHandle(options), target, row);
    return this.toEntity(await stored);
  }

  /**
   * Deletes an entity.
   *
   * @param entity with the version at which it was read
   * @param options `on` is the transaction or handle that it takes part in
   * @throws NotFoundError where there is no row with its key
   * @throws StaleEntityError where the row is at another version: somebody changed it meanwhile
   * @throws ForeignKeyViolationError where other rows still refer to it
   */
  async delete(entity: Entity, options: RepositoryCallOptions<DB> = {}): Promise<void> {
    const target = this.#targetOf(this.#rowOf(entity));
    if (this.#observed === undefined) await deleteRow(this.runner(options), this.context.definition, target);
    else await this.#observed.delete(untypedHandle(options), target);
  }

  /**
   * Deletes the entity that has a key, whatever its version.
   *
   * @param key the key's value; an object of values by column where the key has several
   * @param options `on` is the transaction or handle that it takes part in
   * @returns whether there was one
   * @throws ValidationError where the key cannot be one of this table
   * @throws ForeignKeyViolationError where other rows still refer to it
   */
  async deleteById(
    key: KeyValue<DB[Table], Entity, Key>,
    options: RepositoryCallOptions<DB> = {},
  ): Promise<boolean> {
    const { definition } = this.context;
    const values = planKey(key, definition);
    return this.#observed === undefined
      ? deleteByKey(this.runner(options), definition, values)
      : this.#observed.deleteById(untypedHandle(options), values);
  }

  /**
   * Stores an entity whether it is there or not, in one statement. It asks for no version: the last one wins.
   *
   * @param entity what is to be stored
   * @param options `conflict`: the columns of the unique constraint by which an existing row is found (the
   *   key by default); `on`
   * @returns the stored entity. An existing row keeps its key and the columns of `insertOnly`, and its
   *   version is one higher than it was
   * @throws UniqueViolationError where another unique constraint is hit
   * @throws ValidationError, or a violated constraint, as `insert`
   */
  async upsert(entity: Entity, options: UpsertOptions<DB, DB[Table]> = {}): Promise<Entity> {
    const { definition } = this.context;
    const conflict = this.#conflictOf(options);
    const adrift = definition.boundTo.filter((name) => !conflict.includes(name));
    if (adrift.length > 0) {
      // The row that is there keeps these, and what was sealed for others would never open again.
      const message = `must hold ${adrift.join(', ')}, which the encrypted columns of table "${definition.table}" are bound to`;
      throw new ValidationError([{ path: ['conflict'], message }]);
    }
    const row = this.#rowOf(entity);
    const stored =
      this.#observed === undefined
        ? upsertRow(this.runner(options), definition, row, conflict)
        : this.#observed.upsert(untypedHandle(options), row, conflict);
    return this.toEntity(await stored);
  }

  override rebind(
    change: (provider: RepositoryProvider<DB>, table: TableColumns) => RepositoryProvider<DB>,
  ): Repository<DB, Table, Entity, JsonShapes, Key> {
    return new Repository(this.changed(change), this.#options);
  }

  #observe(provider: RepositoryProvider<DB>, observer: WriteObserver): ObservedWrites {
    return new ObservedWrites({
      observer,
      context: this.context,
      runnerOn: (tx) => this.runner({ on: tx as never }),
      inTransaction: (on, work) => inTransaction(provider, on, work),
    });
  }

  async #insertAll(
    rows: readonly StoredRow[],
    options: RepositoryCallOptions<DB>,
    returning?: readonly string[],
    conflict?: readonly string[],
  ): Promise<readonly StoredRow[]> {
    const { definition, vocabulary } = this.context;
    const chunks = divideRows(rows, vocabulary.maxParameters);
    if (this.#observed !== undefined && chunks.length > 0)
      return this.#observed.insertMany(untypedHandle(options), chunks, conflict);
    const insertAll = async (run: RunShape): Promise<StoredRow[]> => {
      const stored: StoredRow[] = [];
      for (const chunk of chunks)
        for (const row of await insertChunk(run, definition, chunk, returning, conflict)) stored.push(row);
      return stored;
    };
    const db = this.database(options);
    return chunks.length > 1 && !db.isTransaction
      ? db.transaction().execute((tx) => insertAll(this.runner({ on: tx as never })))
      : insertAll(this.runner(options));
  }

  #conflictOf({ conflict }: UpsertOptions<DB, DB[Table]>): readonly string[] {
    const { table, key, columns } = this.context.definition;
    const names: readonly string[] = conflict ?? key.map(({ name }) => name);
    const areKnown = names.length > 0 && names.every((name) => columns.has(name));
    if (areKnown && new Set(names).size === names.length) return names;
    throw new ValidationError([
      { path: ['conflict'], message: `must name columns of table "${table}", each once` },
    ]);
  }

  #rowOf(entity: Entity): StoredRow {
    return prepareRow(this.#toRow(entity), this.context.definition);
  }

  // Every fault of every row is reported at once, behind the row's index.
  #rowsOf(entities: readonly Entity[]): StoredRow[] {
    const issues: Issue[] = [];
    const rows = entities.map((entity, index) => {
      try {
        return this.#rowOf(entity);
      } catch (error) {
        if (!(error instanceof ValidationError)) throw error;
        for (const { path, message } of error.issues) issues.push({ path: [index, ...path], message });
        return {};
      }
    });
    throwFaults(issues);
    return rows;
  }

  #targetOf(row: StoredRow): RowTarget {
    const { definition } = this.context;
    const [first] = definition.key;
    const key = definition.key.length === 1 ? row[first!.name] : row;
    return { key: planKey(key, definition), version: versionOf(row, definition) };
  }
}

function untypedHandle<DB>(options: RepositoryCallOptions<DB>): UntypedDatabase | undefined {
  return handleOf(options) as unknown as UntypedDatabase | undefined;
}

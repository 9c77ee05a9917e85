import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import type { ColumnName, TableColumns } from '../query/column.ts';
import { deleteRow, updateRow, type RowTarget } from './change-row.ts';
import { divideRows, insertChunk, insertRow, upsertRow } from './insert-rows.ts';
import { planKey, throwFaults } from './plan-read.ts';
import { prepareRow, versionOf } from './prepare-row.ts';
import type { RepositoryCallOptions } from './read-options.ts';
import { ReadRepository, type DefaultKey } from './read-repository.ts';
import type { RunShape, StoredRow } from './stored-row.ts';
import type { RepositoryOptions, RepositoryProvider } from './table-definition.ts';

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
    const { definition } = this.context;
    return this.toEntity(await insertRow(this.runner(options), definition, this.#rowOf(entity)));
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
    const { definition, vocabulary } = this.context;
    const rows = this.#rowsOf(entities);
    const chunks = divideRows(rows, vocabulary.maxParameters);
    const insertAll = async (run: RunShape): Promise<void> => {
      for (const chunk of chunks) await insertChunk(run, definition, chunk);
    };
    const db = this.database(options);
    if (chunks.length > 1 && !db.isTransaction) {
      await db.transaction().execute((tx) => insertAll(this.runner({ on: tx as never })));
    } else {
      await insertAll(this.runner(options));
    }
    return rows.length;
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
    return this.toEntity(await updateRow(this.runner(options), this.context.definition, target, row));
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
    await deleteRow(this.runner(options), this.context.definition, target);
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
    const conflict: readonly string[] = options.conflict ?? definition.key.map(({ name }) => name);
    const isKnown = conflict.length > 0 && conflict.every((name) => definition.columns.has(name));
    if (!isKnown || new Set(conflict).size < conflict.length) {
      throw new ValidationError([
        { path: ['conflict'], message: `must name columns of table "${definition.table}", each once` },
      ]);
    }
    const adrift = definition.boundTo.filter((name) => !conflict.includes(name));
    if (adrift.length > 0) {
      // The row that is there keeps these, and what was sealed for others would never open again.
      const message = `must hold ${adrift.join(', ')}, which the encrypted columns of table "${definition.table}" are bound to`;
      throw new ValidationError([{ path: ['conflict'], message }]);
    }
    const row = this.#rowOf(entity);
    return this.toEntity(await upsertRow(this.runner(options), definition, row, conflict));
  }

  override rebind(
    change: (provider: RepositoryProvider<DB>, table: TableColumns) => RepositoryProvider<DB>,
  ): Repository<DB, Table, Entity, JsonShapes, Key> {
    return new Repository(this.changed(change), this.#options);
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

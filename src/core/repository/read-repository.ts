import type { SelectQueryBuilder, Selectable } from 'kysely';
import type { Page } from '../domain/page.ts';
import { NotFoundError } from '../foundation/errors/entity-errors.ts';
import type { ColumnName, TableColumns } from '../query/column.ts';
import type { Filter } from '../query/filter.ts';
import { StatementCache } from '../query/statement-cache.ts';
import type { StatementTarget } from '../query/statement-target.ts';
import { planFilter, planFind, planKey, planPage, planStream, type ReadContext } from './plan-read.ts';
import {
  handleOf,
  type DefaultKey,
  type FindOptions,
  type FirstOptions,
  type KeyValue,
  type PageOptions,
  type RepositoryCallOptions,
  type SelectOption,
  type StreamOptions,
} from './read-options.ts';
import { readEach, readRow } from './read-row.ts';
import { countRows, existsRow, selectByKey, selectPage, selectRows, streamRows } from './select-rows.ts';
import { filterIdentity, findIdentity, pageIdentity } from './read-identity.ts';
import type { ObservedRead } from './read-observer.ts';
import type { RunShape, StoredRow, UntypedDatabase, UntypedTables } from './stored-row.ts';
import { shareTable } from './shared-table.ts';
import type { RepositoryProvider } from './repository-provider.ts';
import type { RepositoryOptions } from './table-definition.ts';

/**
 * Finds rows of one table as entities. It holds no state beside its definition, so it is made once and used
 * by everybody. It writes nothing (`Repository` does), caches nothing (`cached` does) and joins nothing: `query()` and
 * Kysely are for that.
 *
 * Every method takes `{ on: tx }` to run in a transaction. What a caller hands in is checked before anything
 * is sent: a fault is a ValidationError that lists all of them. A row that cannot be read is an
 * UnreadableRowError, never null and never left out.
 *
 * @typeParam DB the table interfaces
 * @typeParam Table the table's name
 * @typeParam Entity what a row is to the domain
 * @typeParam JsonShapes the shapes of JSON columns by name, for filters on paths
 * @typeParam Key the column of the key, or a union of them; `id` by default
 */
export class ReadRepository<
  DB,
  Table extends keyof DB & string,
  Entity,
  JsonShapes = unknown,
  Key extends ColumnName<DB[Table]> = DefaultKey<DB[Table]>,
> {
  readonly #provider: RepositoryProvider<DB>;
  readonly #statements: StatementCache<UntypedTables>;
  readonly #runAlone: RunShape;
  readonly #fromRow: (row: StoredRow) => Entity;
  readonly #options: RepositoryOptions<DB, Table, Entity, JsonShapes, Key>;
  /** The table and the engine's words; for subclasses. */
  protected readonly context: ReadContext;

  /**
   * @param provider `DatabaseProvider`, or its `db` and `sql`
   * @param options the table, its key and columns, and the mapper
   * @throws ValidationError with every fault of the options
   */
  constructor(
    provider: RepositoryProvider<DB>,
    options: RepositoryOptions<DB, Table, Entity, JsonShapes, Key>,
  ) {
    const { definition, templates } = shareTable(provider, new.target, options);
    this.#provider = provider;
    this.#options = options;
    this.#statements = new StatementCache(provider as unknown as StatementTarget<UntypedTables>, templates);
    this.#runAlone = (shape) => this.#statements.run(shape, undefined);
    this.context = { definition, vocabulary: provider.sql };
    this.#fromRow = (row) => options.mapper.fromRow(row as Selectable<DB[Table]>);
  }

  /** The table and its columns. */
  get table(): TableColumns {
    return this.context.definition;
  }

  /**
   * Finds an entity by its key.
   *
   * @param key the key's value; an object of values by column where the key has several
   * @param options `on` is the transaction or handle that is read through
   * @returns the entity, or undefined where there is none
   * @throws ValidationError where the key cannot be one of this table, such as an id that is no UUID
   * @throws UnreadableRowError where the row breaks the entity's rules
   */
  async findById(
    key: KeyValue<DB[Table], Entity, Key>,
    options: RepositoryCallOptions<DB> = {},
  ): Promise<Entity | undefined> {
    let entity = this.#readByKey(key, options);
    if (entity instanceof Promise) entity = await entity;
    return entity;
  }

  /**
   * Gets an entity by its key.
   *
   * @param key as in `findById`
   * @param options `on` is the transaction or handle that is read through
   * @returns the entity
   * @throws NotFoundError where there is no such row; and as `findById`
   */
  async getById(
    key: KeyValue<DB[Table], Entity, Key>,
    options: RepositoryCallOptions<DB> = {},
  ): Promise<Entity> {
    let entity = this.#readByKey(key, options);
    if (entity instanceof Promise) entity = await entity;
    if (entity === undefined) throw new NotFoundError(this.context.definition.table);
    return entity;
  }

  /**
   * Finds all entities that a filter means; with `select` only some columns of their rows.
   *
   * @param filter by column name; `{}` means every row
   * @param options `orderBy` (the key by default), `limit` (0…100,000; none by default, for nothing is cut
   *   off in silence), `select`, `on`
   * @returns the entities in order, or with `select` the rows with the chosen columns
   * @throws ValidationError with every fault of the filter and the options
   * @throws UnreadableRowError where a row breaks the entity's rules; rows of a selection are not checked
   * @example
   * await users.findMany({ created_at: { gte: since } }, { orderBy: 'created_at desc', limit: 20 });
   * await users.findMany({}, { select: ['id', 'email'] }); // { id: string; email: string }[]
   */
  findMany(
    filter: Filter<DB[Table], JsonShapes>,
    options?: FindOptions<DB, DB[Table], JsonShapes> & { readonly select?: never },
  ): Promise<Entity[]>;
  findMany<Name extends ColumnName<DB[Table]>>(
    filter: Filter<DB[Table], JsonShapes>,
    options: FindOptions<DB, DB[Table], JsonShapes> & SelectOption<Name>,
  ): Promise<Pick<Selectable<DB[Table]>, Name>[]>;
  async findMany(
    filter: Filter<DB[Table], JsonShapes>,
    options: FindOptions<DB, DB[Table], JsonShapes> & Partial<SelectOption<string>> = {},
  ): Promise<unknown[]> {
    const plan = planFind(filter, options, this.context);
    const isWhole = options.select === undefined;
    let answer = this.#read<readonly StoredRow[], unknown[]>(options, {
      kind: 'rows',
      definition: this.context.definition,
      mapper: this.#options.mapper,
      ...findIdentity(isWhole ? 'find' : 'select', plan),
      filter,
      load: () => selectRows(this.runner(options), this.context.definition, plan),
      answer: (rows) => (isWhole ? rows.map((row) => this.#loaded(row, options)) : [...rows]),
    });
    if (answer instanceof Promise) answer = await answer;
    return answer;
  }

  /**
   * Finds the first entity that a filter means.
   *
   * @param filter by column name; `{}` means every row
   * @param options `orderBy` (the key by default), `on`
   * @returns the entity, or undefined where there is none
   * @throws as `findMany`
   */
  async findFirst(
    filter: Filter<DB[Table], JsonShapes>,
    options: FirstOptions<DB, DB[Table], JsonShapes> = {},
  ): Promise<Entity | undefined> {
    const plan = planFind(filter, { orderBy: options.orderBy, limit: 1 }, this.context);
    let answer = this.#read(options, {
      kind: 'rows',
      definition: this.context.definition,
      mapper: this.#options.mapper,
      ...findIdentity('first', plan),
      filter,
      load: async () => (await selectRows(this.runner(options), this.context.definition, plan))[0],
      answer: (row) => (row === undefined ? undefined : this.#loaded(row, options)),
    });
    if (answer instanceof Promise) answer = await answer;
    return answer;
  }

  /**
   * Reads one page of an ordered list, by keyset: rows that come or go meanwhile neither repeat nor hide others.
   *
   * A cursor is a place between two rows, so it stays good when these are deleted. It serves the same
   * table and `orderBy`; keep the filter the same as well.
   *
   * @param filter by column name; `{}` means every row
   * @param options `orderBy` (the key by default), `limit` (0…1,000; 50 by default), `after` or `before`
   *   (a cursor of another page), `on`
   * @returns the items in the asked order, also with `before`; each cursor is undefined where nothing lies
   *   beyond it. `limit: 0` gives an empty page without cursors and sends nothing
   * @throws ValidationError with every fault, such as a cursor that is damaged or of another order
   * @throws UnreadableRowError where a row breaks the entity's rules
   * @example
   * const newest = await threads.page({ owner_id: me }, { orderBy: 'updated_at desc', limit: 20 });
   * const older = await threads.page({ owner_id: me }, { orderBy: 'updated_at desc', limit: 20, after: newest.nextCursor });
   */
  async page(
    filter: Filter<DB[Table], JsonShapes>,
    options: PageOptions<DB, DB[Table], JsonShapes> = {},
  ): Promise<Page<Entity>> {
    const plan = planPage(filter, options, this.context);
    let answer = this.#read(options, {
      kind: 'rows',
      definition: this.context.definition,
      mapper: this.#options.mapper,
      ...pageIdentity(plan),
      filter,
      load: () => selectPage(this.runner(options), this.context.definition, plan),
      answer: ({ rows, ...cursors }) => ({
        items: rows.map((row) => this.#loaded(row, options)),
        ...cursors,
      }),
    });
    if (answer instanceof Promise) answer = await answer;
    return answer;
  }

  /**
   * Counts the rows that a filter means. It reads all of them, or their index.
   *
   * @param filter by column name; `{}` means every row
   * @param options `on` is the transaction or handle that is read through
   * @returns how many there are
   * @throws ValidationError with every fault of the filter
   */
  async count(
    filter: Filter<DB[Table], JsonShapes>,
    options: RepositoryCallOptions<DB> = {},
  ): Promise<number> {
    const plan = planFilter(filter, this.context);
    let answer = this.#read(options, {
      kind: 'number',
      definition: this.context.definition,
      mapper: this.#options.mapper,
      ...filterIdentity('count', plan),
      filter,
      load: () => countRows(this.runner(options), this.context.definition, plan),
      answer: (count) => count,
    });
    if (answer instanceof Promise) answer = await answer;
    return answer;
  }

  /**
   * Tells whether a filter means any row at all.
   *
   * @param filter by column name; `{}` means every row
   * @param options `on` is the transaction or handle that is read through
   * @returns whether there is one
   * @throws ValidationError with every fault of the filter
   */
  async exists(
    filter: Filter<DB[Table], JsonShapes>,
    options: RepositoryCallOptions<DB> = {},
  ): Promise<boolean> {
    const plan = planFilter(filter, this.context);
    let answer = this.#read(options, {
      kind: 'number',
      definition: this.context.definition,
      mapper: this.#options.mapper,
      ...filterIdentity('exists', plan),
      filter,
      load: () => existsRow(this.runner(options), this.context.definition, plan),
      answer: (exists) => exists,
    });
    if (answer instanceof Promise) answer = await answer;
    return answer;
  }

  /**
   * Reads any number of entities, a chunk a statement, holding no connection between the chunks. Outside of a
   * transaction it is no snapshot: a row that others insert, move or delete meanwhile may come or not.
   *
   * @param filter by column name; `{}` means every row
   * @param options `orderBy` (the key by default), `chunkSize` (1…10,000; 500 by default), `on`
   * @returns the entities in order; end the loop early to stop reading
   * @throws ValidationError at once, with every fault; UnreadableRowError in the loop
   * @example
   * for await (const user of users.stream({}, { orderBy: 'created_at' })) await write(user);
   */
  stream(
    filter: Filter<DB[Table], JsonShapes>,
    options: StreamOptions<DB, DB[Table], JsonShapes> = {},
  ): AsyncIterableIterator<Entity> {
    const plan = planStream(filter, options, this.context);
    const rows = streamRows(this.runner(options), this.context.definition, plan);
    return readEach(rows, (row) => this.toEntity(row));
  }

  /**
   * Kysely's builder on this table, for whatever the methods do not cover.
   *
   * @param options `on` is the transaction or handle that is read through
   * @returns `db.selectFrom(table)`; its rows are rows, not entities
   */
  query(options: RepositoryCallOptions<DB> = {}): SelectQueryBuilder<DB, Table, object> {
    return this.database(options).selectFrom(this.context.definition.table);
  }

  /**
   * The same table behind another provider: for what is to stand between a repository and its database, such as a
   * border around the rows of an actor. Methods that a subclass adds are not there.
   *
   * @param change is given the provider and the table, and returns the provider to use
   * @returns a repository of its own, with the same columns and mapper
   * @throws what `change` throws
   * @example
   * const traced = users.rebind((provider) => ({ sql: provider.sql, db: provider.db.withPlugin(tracing) }));
   */
  rebind(
    change: (provider: RepositoryProvider<DB>, table: TableColumns) => RepositoryProvider<DB>,
  ): ReadRepository<DB, Table, Entity, JsonShapes, Key> {
    return new ReadRepository(this.changed(change), this.#options);
  }

  /** The provider that `rebind` is to use; for subclasses. */
  protected changed(
    change: (provider: RepositoryProvider<DB>, table: TableColumns) => RepositoryProvider<DB>,
  ): RepositoryProvider<DB> {
    return change(this.#provider, this.context.definition);
  }

  /** The handle that a call runs on; for subclasses. */
  protected database(options: RepositoryCallOptions<DB>): UntypedDatabase {
    return (handleOf(options) ?? this.#provider.db) as unknown as UntypedDatabase;
  }

  /** Runs statements where a call belongs, each shape compiled once; for subclasses. */
  protected runner(options: RepositoryCallOptions<DB>): RunShape {
    const on = handleOf(options) as UntypedDatabase | undefined;
    return on === undefined ? this.#runAlone : (shape) => this.#statements.run(shape, on);
  }

  /**
   * Makes an entity of a row that a query of one's own has read.
   *
   * @param row with every column of the table
   * @returns the entity
   * @throws UnreadableRowError that names table, key and column, where the row breaks the entity's rules
   * @example
   * const rows = await notes.query().selectAll().where(sql`length(title)`, '>', 80).execute();
   * const long = rows.map((row) => notes.toEntity(row));
   */
  toEntity(row: Selectable<DB[Table]> | StoredRow): Entity {
    return readRow(row as StoredRow, this.context.definition, this.#fromRow);
  }

  #readByKey(
    key: KeyValue<DB[Table], Entity, Key>,
    options: RepositoryCallOptions<DB>,
  ): Entity | undefined | Promise<Entity | undefined> {
    const { definition } = this.context;
    const values = planKey(key, definition);
    return this.#read(options, {
      kind: 'row',
      definition,
      mapper: this.#options.mapper,
      shape: '',
      values,
      filter: undefined,
      load: () => selectByKey(this.runner(options), definition, values),
      answer: (row) => (row === undefined ? undefined : this.#loaded(row, options)),
    });
  }

  // Not async: an answer that is there is given without waiting. Others are awaited by the method itself, since behind a
  // promise that is handed on no stack would show the caller.
  #read<Raw, Answer>(
    { on }: RepositoryCallOptions<DB>,
    read: ObservedRead<Raw, Answer>,
  ): Answer | Promise<Answer> {
    const observer = on === undefined ? this.#provider.reads : undefined;
    return observer === undefined ? loadAnswer(read) : observer.read(read);
  }

  // Not of streams: nobody changes that many rows one by one.
  #loaded(row: StoredRow, options: RepositoryCallOptions<DB>): Entity {
    this.#provider.writes?.loaded(row, this.context.definition, this.database(options));
    return this.toEntity(row);
  }
}

async function loadAnswer<Raw, Answer>(read: ObservedRead<Raw, Answer>): Promise<Answer> {
  return read.answer(await read.load());
}

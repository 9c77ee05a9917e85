import type { Selectable } from 'kysely';
import { ForbiddenError } from '../foundation/errors/security-errors.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { valueRules } from '../query/column-value.ts';
import { unknownColumn, type ColumnName, type TableColumns } from '../query/column.ts';
import type { Repository } from '../repository/repository.ts';
import { actorId, type ActorSource } from './actor-id.ts';
import { RowScope, type Offered } from './row-scope.ts';

/** Which rows of a table are whose. */
export interface ScopedOptions<Row> {
  /** The column that holds the id of whoever a row belongs to; text or a UUID. */
  readonly column: OwnerColumnName<Row>;
  /** Whose rows are meant: an id, or a function that is asked at every call; `currentActor()?.id` by default. */
  readonly actor?: ActorSource | undefined;
}

type OwnerColumnName<Row> = {
  [Name in ColumnName<Row>]: NonNullable<Selectable<Row>[Name]> extends string ? Name : never;
}[ColumnName<Row>];

/** The methods of a repository, within the rows of an actor. */
export type ScopedRepository<
  DB,
  Table extends keyof DB & string,
  Entity,
  JsonShapes,
  Key extends ColumnName<DB[Table]>,
> = Offered<Repository<DB, Table, Entity, JsonShapes, Key>>;

/**
 * A repository that finds, counts, changes and deletes the rows of one actor alone. The border stands behind the
 * methods, in every statement that they send, and holds in transactions (`{ on: tx }`) as well. The row of somebody
 * else is as if it were not there: `findById` finds nothing, `update` and `delete` say NotFoundError.
 *
 * It offers the methods that every repository has, not those that a subclass adds. Of `query()` the trees are kept
 * within the actor's rows, and other tables are closed; the text of a `sql` fragment is taken as it is. Constraints
 * see all rows: storing a unique value that somebody else has is refused, which tells that it is taken.
 *
 * @param repository any one, of a provider or of a unit of work; it stays as it is
 * @param options the column, and whose rows are meant
 * @returns its methods; each throws ForbiddenError, before anything is sent, where no actor is known, and where an
 *   entity to be stored is somebody else's. An upsert that meets somebody else's row is ForbiddenError too
 * @throws ValidationError where the table has no such column, or it is no text and no UUID
 * @example
 * const mine = scoped(threads, { column: 'owner_id', actor: userId });
 * await mine.count({}); // mine alone
 */
export function scoped<
  DB,
  Table extends keyof DB & string,
  Entity,
  JsonShapes,
  Key extends ColumnName<DB[Table]>,
>(
  repository: Repository<DB, Table, Entity, JsonShapes, Key>,
  options: ScopedOptions<DB[Table]>,
): ScopedRepository<DB, Table, Entity, JsonShapes, Key> {
  const { column, actor } = options;
  let scope: RowScope | undefined;
  const inner = repository.rebind((provider, table) => {
    scope = new RowScope({ rules: { [table.table]: { column } }, actor: ownerOf(table, column, actor) });
    return scope.target(provider);
  });
  return scope!.offer(inner);
}

function ownerOf(table: TableColumns, name: string, actor: ActorSource | undefined): () => string {
  const column = table.columns.get(name);
  if (column === undefined) throw new ValidationError([unknownColumn(['column'], table)]);
  const { kind } = column;
  if (kind !== 'text' && kind !== 'uuid') {
    throw new ValidationError([{ path: ['column'], message: 'must hold texts or UUIDs' }]);
  }
  return () => {
    const id = valueRules[kind].normalize(actorId(actor));
    if (typeof id === 'string') return id;
    throw new ForbiddenError(
      `The actor's id has not the form of column "${name}" of table "${table.table}", so that no row is theirs; nothing was sent.`,
    );
  };
}

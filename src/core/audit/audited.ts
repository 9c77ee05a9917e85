import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { ColumnName } from '../query/column.ts';
import type { Repository } from '../repository/repository.ts';
import type { RepositoryProvider } from '../repository/repository-provider.ts';
import type { TableDefinition } from '../repository/table-definition.ts';
import { observedTarget, type ObservableTarget } from '../transaction/observed-target.ts';
import type { TransactionalProvider } from '../transaction/transactional-provider.ts';
import type { AuditedOptions } from './audited-options.ts';
import { AuditedWrites } from './audited-writes.ts';

/**
 * A repository whose writes are recorded in the audit trail, in the transaction of the write: there is never a change
 * without its event, nor an event without its change. A call that stands for itself runs in a transaction of its own.
 *
 * Each row is an event: `create` with all its fields, `update` with those that differ, `delete` with all that it held;
 * an upsert is the one or the other. Old values are true: they are read in the same transaction, by the statement that
 * writes or under a lock ahead of it. An update of what the same unit of work has read sends no statement more, since
 * the update itself checks that nothing has changed.
 *
 * Values of encrypted columns are never there, nor those of `mask`. It does not see what statements of your own write:
 * `AuditLog.record` is for these, and for reading what is sensitive. Methods that a subclass adds are not there either;
 * make such a repository on `auditedTarget`.
 *
 * @param repository any one, of a provider or of a unit of work; it stays as it is
 * @param options the log, and what is recorded; make them once, they are worked out once for each object
 * @returns a repository of its own, with the same columns and mapper
 * @throws ValidationError with every fault of the options, and where the repository is audited already; a delete throws
 *   it as well, where `cascades` are not those of the database
 * @example
 * const audit: AuditedOptions = { log, entity: 'user', mask: ['email'], ignore: ['updated_at'] };
 * const users = audited(new Repository(provider, userTable), audit);
 * await users.update({ ...user, displayName: 'Ada' }); // an event of the action `update`
 */
export function audited<
  DB,
  Table extends keyof DB & string,
  Entity,
  JsonShapes,
  Key extends ColumnName<DB[Table]>,
>(
  repository: Repository<DB, Table, Entity, JsonShapes, Key>,
  options: AuditedOptions<ColumnName<DB[Table]>>,
): Repository<DB, Table, Entity, JsonShapes, Key> {
  // What a repository says of its table is its whole definition.
  AuditedWrites.of(options).rulesOf(repository.table as TableDefinition);
  return repository.rebind((provider) => auditedTarget(provider, options));
}

/**
 * Puts the audit trail behind a provider, for repositories with methods of their own: what is made on it records as
 * `audited` says. It is for the repositories of one table.
 *
 * @param target a provider, a unit of work, or what a border of rows hands out
 * @param options as for `audited`; their faults are told at the first write
 * @returns a provider for repositories
 * @throws ValidationError where the target is audited already
 * @example
 * const users = new UserRepository(auditedTarget(provider, { log, entity: 'user' }));
 */
export function auditedTarget<DB, Options extends readonly unknown[]>(
  target: TransactionalProvider<DB, Options>,
  options: AuditedOptions,
): TransactionalProvider<DB, Options>;
export function auditedTarget<DB>(
  target: RepositoryProvider<DB>,
  options: AuditedOptions,
): RepositoryProvider<DB>;
export function auditedTarget<DB>(
  target: ObservableTarget<DB>,
  options: AuditedOptions,
): RepositoryProvider<DB> {
  if (target.writes !== undefined) {
    throw new ValidationError([
      { path: ['target'], message: 'is audited already; each change is recorded once' },
    ]);
  }
  return observedTarget(target, { writes: AuditedWrites.of(options) });
}

import { Transaction, type DrainOuterGeneric, type KyselyPlugin, type KyselyProps } from 'kysely';
import { OutsideTransactionError } from '../foundation/errors/transaction-errors.ts';
import { statementRunner, type StatementRunner } from '../query/statement-target.ts';
import { scopeHooks, type TransactionHooks } from './transaction-hooks.ts';

/** Table interfaces by name. */
type AnyTables = Record<string, Record<string, unknown>>;

/**
 * The Kysely handle of a scope. Kysely's own refuses with a plain error, that names no way out, what a transaction
 * cannot do; and a handle that is made of it, such as one with a schema, would be of no scope.
 */
export class ScopeHandle<DB> extends Transaction<DB> {
  readonly #props: KyselyProps;
  /** For `afterCommitOf`. */
  readonly [scopeHooks]: TransactionHooks;
  /** For `runStatement`. */
  readonly [statementRunner]: StatementRunner | undefined;

  /**
   * @param hooks those of the scope
   * @param runner the straight way of its compiled statements; undefined where plugins have to see them
   */
  constructor(props: KyselyProps, hooks: TransactionHooks, runner?: StatementRunner) {
    super(props);
    this.#props = props;
    this[scopeHooks] = hooks;
    this[statementRunner] = runner;
  }

  override withPlugin(plugin: KyselyPlugin): Transaction<DB> {
    return this.#derive(super.withPlugin(plugin));
  }

  override withoutPlugins(): Transaction<DB> {
    return this.#derive(super.withoutPlugins());
  }

  override withSchema(schema: string): Transaction<DB> {
    return this.#derive(super.withSchema(schema));
  }

  override withTables<Tables extends AnyTables>(): Transaction<DrainOuterGeneric<DB & Tables>> {
    return this.$extendTables<Tables>();
  }

  override $extendTables<Tables extends AnyTables>(): Transaction<DrainOuterGeneric<DB & Tables>> {
    return this.#derive(super.$extendTables<Tables>());
  }

  override $omitTables<Table extends keyof DB>(): Transaction<DB extends object ? Omit<DB, Table> : DB> {
    return this.#derive(super.$omitTables<Table>());
  }

  override $pickTables<Table extends keyof DB>(): Transaction<DB extends object ? Pick<DB, Table> : DB> {
    return this.#derive(super.$pickTables<Table>());
  }

  /** @throws OutsideTransactionError always */
  override transaction(): never {
    throw nestingError();
  }

  /** @throws OutsideTransactionError always */
  override startTransaction(): never {
    throw nestingError();
  }

  /** @throws OutsideTransactionError always */
  override connection(): never {
    throw new OutsideTransactionError(
      'The handle of a transaction has one connection already, and hands out no other. Use the handle as it is; or say outside(() => provider.db.connection()…).',
    );
  }

  #derive<Tables>(derived: Transaction<Tables>): Transaction<Tables> {
    return new ScopeHandle<Tables>({ ...this.#props, executor: derived.getExecutor() }, this[scopeHooks]);
  }
}

function nestingError(): OutsideTransactionError {
  return new OutsideTransactionError(
    'The handle of a transaction cannot begin another one. Nest with unitOfWork.run, which makes a savepoint; or say outside(() => provider.transaction(…)).',
  );
}

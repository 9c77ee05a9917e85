import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { SqlVocabulary } from '../engine/sql-vocabulary.ts';
import type { TransactionScope } from '../provider/transaction-scope.ts';
import type { SharedDefinitions } from '../query/shared-definitions.ts';
import { defineLazily, lazyMembers } from './lazy-members.ts';
import type { TransactionalProvider } from './transactional-provider.ts';
import { UnitScope, type Make, type Unit } from './unit.ts';

/** Makes each repository of a unit, by its name. */
export type RepositoryMakers<DB, Repositories> = {
  readonly [Name in keyof Repositories]: Make<TransactionalProvider<DB>, Repositories[Name]>;
};

/** Makes each service of a unit, by its name. */
export type ServiceMakers<DB, Repositories, Services> = {
  readonly [Name in keyof Services]: Make<UnitScope<DB, Repositories>, Services[Name]>;
};

/** Every name that a unit has by itself. */
const ownNames: ReadonlySet<string> = new Set([
  'db',
  'sql',
  'shared',
  'repositories',
  'afterCommit',
  'afterRollback',
  'transaction',
  'signal',
  'commit',
  'rollback',
  'run',
  'constructor',
]);

/** Makes the units of one unit of work: one a scope. */
export class UnitFactory<DB, Repositories, Services> {
  readonly #provider: { readonly sql: SqlVocabulary; readonly shared: SharedDefinitions };
  readonly #makeRepositories: Make<TransactionalProvider<DB>, Repositories>;
  readonly #unitClass: typeof UnitScope<DB, Repositories>;

  /** @throws ValidationError where a maker is none, or a service has the name of something else */
  constructor(
    provider: { readonly sql: SqlVocabulary; readonly shared: SharedDefinitions },
    repositories: RepositoryMakers<DB, Repositories> | undefined,
    services: ServiceMakers<DB, Repositories, Services> | undefined,
  ) {
    requireMakers({ repositories, services });
    this.#provider = provider;
    this.#makeRepositories = lazyMembers<TransactionalProvider<DB>, Repositories>(
      repositories ?? ({} as RepositoryMakers<DB, Repositories>),
    );
    this.#unitClass = class extends UnitScope<DB, Repositories> {};
    if (services !== undefined)
      defineLazily<UnitScope<DB, Repositories>, Services>(
        this.#unitClass.prototype,
        services,
        (unit) => unit as UnitScope<DB, Repositories>,
      );
  }

  /** The unit of a scope: the same for everybody who joins it. */
  unitOf(scope: TransactionScope<DB>): Unit<DB, Repositories, Services> {
    return scope.companionOf(this, () => this.#makeUnit(scope));
  }

  #makeUnit(scope: TransactionScope<DB>): Unit<DB, Repositories, Services> {
    const { sql, shared } = this.#provider;
    const UnitClass = this.#unitClass;
    return new UnitClass({
      scope,
      sql,
      shared,
      nest: (work) => scope.nest((inner) => work(inner.db)),
      makeRepositories: this.#makeRepositories,
    }) as Unit<DB, Repositories, Services>;
  }
}

function requireMakers(groups: Readonly<Record<string, object | undefined>>): void {
  const issues = Object.entries(groups).flatMap(([group, makers = {}]) =>
    Object.entries(makers).flatMap(([name, make]) => {
      const path = [group, name];
      if (typeof make !== 'function') return [{ path, message: 'must be a function that makes it' }];
      if (group === 'services' && ownNames.has(name))
        return [{ path, message: 'is the name of something that every unit has' }];
      return [];
    }),
  );
  if (issues.length > 0) throw new ValidationError(issues);
}

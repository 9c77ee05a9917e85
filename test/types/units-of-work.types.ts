/** What units of work must refuse when they are compiled. Each line below a directive must be an error. */
import type { Kysely } from 'kysely';
import {
  Repository,
  UnitOfWork,
  type DatabaseProvider,
  type RepositoryProvider,
  type TransactionalProvider,
  type Unit,
} from '../../src/core/index.ts';

interface Tables {
  accounts: { id: string; balance: number };
  entries: { id: string; account_id: string };
}

interface OtherTables {
  planets: { id: string };
}

declare const provider: DatabaseProvider<Tables>;
declare const otherProvider: DatabaseProvider<OtherTables>;

class AccountRepository extends Repository<Tables, 'accounts', Tables['accounts']> {
  readonly #made = true;

  constructor(target: RepositoryProvider<Tables>) {
    super(target, {
      table: 'accounts',
      key: 'id',
      columns: { id: 'uuid', balance: 'integer' },
      mapper: { fromRow: (row) => row, toRow: (account) => account },
    });
  }

  richest(): boolean {
    return this.#made;
  }
}

class EntryRepository extends Repository<Tables, 'entries', Tables['entries']> {
  constructor(target: RepositoryProvider<Tables>) {
    super(target, {
      table: 'entries',
      key: 'id',
      columns: { id: 'uuid', account_id: 'uuid' },
      mapper: { fromRow: (row) => row, toRow: (entry) => entry },
    });
  }
}

const unitOfWork = new UnitOfWork(provider, {
  repositories: {
    accounts: (target) => new AccountRepository(target),
    entries: (target) => new EntryRepository(target),
  },
  services: { transfers: (unit) => new TransferService(unit) },
});

/** States that it needs accounts, whatever else there is. */
class TransferService {
  readonly unit: Unit<Tables, { readonly accounts: AccountRepository }>;

  constructor(unit: Unit<Tables, { readonly accounts: AccountRepository }>) {
    this.unit = unit;
  }

  async move(): Promise<number> {
    const { balance } = await this.unit.repositories.accounts.getById('a');
    // @ts-expect-error it has not said that it needs entries
    await this.unit.repositories.entries.getById('a');
    return balance;
  }
}

type Needs = UnitOfWork<Tables, { readonly accounts: AccountRepository }>;

// One with more fits where fewer are asked for.
export const narrower: Needs = unitOfWork;

// @ts-expect-error one with fewer does not fit where more are asked for
export const wider: typeof unitOfWork = new UnitOfWork(provider, { repositories: {} });

// @ts-expect-error nor one of another database
export const elsewhere: Needs = new UnitOfWork(otherProvider);

export async function use(): Promise<void> {
  const balance: number = await unitOfWork.run(({ transfers }) => transfers.move());
  const richest: boolean = await unitOfWork.run(async ({ repositories }) => repositories.accounts.richest());
  // @ts-expect-error the result is a number
  const text: string = await unitOfWork.run(({ transfers }) => transfers.move());
  // @ts-expect-error nothing is called so
  await unitOfWork.run(({ repositories }) => repositories.acounts.findMany({}));
  // @ts-expect-error no such service
  await unitOfWork.run(async ({ transfer }) => transfer);
  // @ts-expect-error no such table
  await unitOfWork.run(({ db }) => db.selectFrom('planets').execute());
  // @ts-expect-error work returns a promise
  await unitOfWork.run(() => 7);
  // @ts-expect-error no such propagation
  await unitOfWork.run(async () => 7, { propagation: 'required' });
  // @ts-expect-error no such level
  await unitOfWork.run(async () => 7, { isolation: 'linearizable' });
  // @ts-expect-error the retries of an explicit unit are its caller's
  await unitOfWork.begin({ retry: true });
  await using unit = await unitOfWork.begin({ readOnly: true, timeout: 100 });
  // @ts-expect-error the level of a nested unit is that of the one around it
  await unit.run(async () => 7, { isolation: 'serializable' });
  const handle: Kysely<Tables> = unit.db;
  const target: TransactionalProvider<Tables> = unit;
  const root: TransactionalProvider<Tables> = provider;
  // @ts-expect-error a service may not replace a repository
  unit.repositories.accounts = new AccountRepository(provider);
  console.log(balance, richest, text, handle, target, root);
}

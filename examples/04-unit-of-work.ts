/**
 * Units of work: repositories and a service in one transaction, a nested one, hooks, and what is refused.
 * `DATABASE_URL=postgres://… node examples/04-unit-of-work.ts` does the same on PostgreSQL.
 */
import {
  DatabaseProviderFactory,
  OutsideTransactionError,
  Repository,
  UnitOfWork,
  databaseConfigFromEnv,
  type RepositoryProvider,
  type Unit,
} from 'liminal-data';

interface Tables {
  accounts: { name: string; balance: number };
}

type Account = Readonly<Tables['accounts']>;

class AccountRepository extends Repository<Tables, 'accounts', Account, unknown, 'name'> {
  constructor(target: RepositoryProvider<Tables>) {
    super(target, {
      table: 'accounts',
      key: 'name',
      columns: { name: 'text', balance: 'integer' },
      mapper: { fromRow: (row) => ({ ...row }), toRow: (account) => account },
    });
  }
}

/** Says what it needs, whatever else a unit has. */
class Transfers {
  readonly #unit: Unit<Tables, { readonly accounts: AccountRepository }>;

  constructor(unit: Unit<Tables, { readonly accounts: AccountRepository }>) {
    this.#unit = unit;
  }

  async move(from: string, to: string, amount: number): Promise<void> {
    const { accounts } = this.#unit.repositories;
    const [payer, payee] = [await accounts.getById(from), await accounts.getById(to)];
    await accounts.update({ ...payer, balance: payer.balance - amount });
    await accounts.update({ ...payee, balance: payee.balance + amount });
    if (payer.balance < amount) throw new Error(`${from} has not so much`);
    this.#unit.afterCommit(() => console.log(`${from} gave ${to} ${amount}`));
  }
}

const provider = DatabaseProviderFactory.createProvider<Tables>(databaseConfigFromEnv());
await provider.exec('create table accounts (name text primary key, balance integer not null)');
const unitOfWork = new UnitOfWork(provider, {
  repositories: { accounts: (target) => new AccountRepository(target) },
  services: { transfers: (unit) => new Transfers(unit) },
});

await unitOfWork.run(async ({ repositories: { accounts }, transfers }) => {
  await accounts.insertMany([
    { name: 'alice', balance: 50 },
    { name: 'bob', balance: 0 },
  ]);
  await transfers.move('alice', 'bob', 30);
  // A nested unit is undone alone.
  const tooMuch = unitOfWork.run((nested) => nested.transfers.move('alice', 'bob', 30));
  await tooMuch.catch((error: unknown) => console.log((error as Error).message));
  // The root handle does not belong to the unit.
  const beside = provider.query('select 1').catch((error: unknown) => error);
  if ((await beside) instanceof OutsideTransactionError) console.log('the root handle stays outside');
});

const balances = await unitOfWork.run(({ repositories: { accounts } }) => accounts.findMany({}), {
  readOnly: true,
});
console.log(balances.map(({ name, balance }) => `${name}: ${balance}`));
await provider.close();

/** The table "What differs" of docs/same-answers-on-both-engines.md, line by line. */
import { expect } from 'chai';
import {
  ConstraintViolationError,
  DatabaseProviderFactory,
  PoolTimeoutError,
  QueryError,
  ValidationError,
  type DatabaseProvider,
} from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';

interface Tables {
  parents: { id: number; name: string; rank: number };
  children: { parent_id: number };
}

const first = { id: 1, name: 'a', rank: 1 };

/** What an engine names of each constraint. */
const namedFields = {
  sqlite: {
    unique: { table: 'parents', constraint: undefined, columns: ['name'] },
    foreignKey: { table: undefined, constraint: undefined, columns: [] },
    notNull: { table: 'parents', constraint: undefined, columns: ['name'] },
    check: { table: undefined, constraint: 'parents_rank_check', columns: [] },
  },
  postgres: {
    unique: { table: 'parents', constraint: 'parents_name_unique', columns: ['name'] },
    foreignKey: { table: 'children', constraint: 'children_parent', columns: [] },
    notNull: { table: 'parents', constraint: undefined, columns: ['name'] },
    check: { table: 'parents', constraint: 'parents_rank_check', columns: [] },
  },
} as const;

describeOnEachDatabase('engines differ as documented', (database) => {
  let provider: DatabaseProvider<Tables>;
  let onSqlite: boolean;

  beforeEach(async () => {
    const url = await database.freshUrl();
    provider = DatabaseProviderFactory.createProvider<Tables>({ url, pool: { acquireTimeout: 100 } });
    onSqlite = provider.type === 'sqlite';
    await provider.exec(`create table parents (id integer primary key not null,
      name text not null constraint parents_name_unique unique,
      rank integer not null constraint parents_rank_check check (rank > 0))`);
    await provider.exec(`create table children (parent_id integer not null
      constraint children_parent references parents (id))`);
    await provider.db.insertInto('parents').values(first).execute();
  });

  afterEach(() => provider.close());

  it('in what they name of a constraint', async () => {
    const named = namedFields[onSqlite ? 'sqlite' : 'postgres'];
    expect(await fieldsOf(provider.exec(`insert into parents values (2, 'a', 1)`))).to.deep.equal(
      named.unique,
    );
    expect(await fieldsOf(provider.exec('insert into children values (9)'))).to.deep.equal(named.foreignKey);
    expect(await fieldsOf(provider.exec('insert into parents (id, rank) values (2, 1)'))).to.deep.equal(
      named.notNull,
    );
    expect(await fieldsOf(provider.exec(`insert into parents values (2, 'b', 0)`))).to.deep.equal(
      named.check,
    );
  });

  it('in how many transactions run at once', async () => {
    const entered = Promise.withResolvers<void>();
    const proceed = Promise.withResolvers<void>();
    const held = provider.transaction(async (tx) => {
      await tx.selectFrom('parents').selectAll().execute();
      entered.resolve();
      await proceed.promise;
    });
    await entered.promise;
    const other = provider.transaction((tx) => tx.selectFrom('parents').select('id').execute());
    if (onSqlite) expect(await rejectionOf(other)).to.be.instanceOf(PoolTimeoutError);
    else expect(await other).to.deep.equal([{ id: 1 }]);
    proceed.resolve();
    await held;
  });

  it('in what an empty statement is', async () => {
    const outcome = provider.query('');
    if (onSqlite) expect(await rejectionOf(outcome)).to.be.instanceOf(QueryError);
    else expect(await outcome).to.deep.equal([]);
  });

  it('in the isolation levels that they know', async () => {
    const outcome = provider.transaction((tx) => tx.selectFrom('parents').select('id').execute(), {
      isolation: 'snapshot',
    });
    if (onSqlite) expect(await outcome).to.deep.equal([{ id: 1 }]);
    else expect(await rejectionOf(outcome)).to.be.instanceOf(ValidationError);
  });

  it('in the text of a JSON value that is stored as JSON', async () => {
    const written = '{"long":1, "b":2}';
    await provider.exec(`create table notes (data ${onSqlite ? 'text' : 'jsonb'})`);
    await provider.exec('insert into notes values (?)', [written]);
    const [row] = await provider.query<{ data: string }>('select data from notes');
    expect(row?.data).to.equal(onSqlite ? written : '{"b": 2, "long": 1}');
  });

  it('in booleans and dates as parameters', async () => {
    expect(await provider.query('select cast(? as boolean) as it', [true])).to.deep.equal([
      { it: onSqlite ? 1 : true },
    ]);
    const outcome = provider.query('select cast(? as timestamptz) as it', [new Date(0)]);
    if (onSqlite) expect(await rejectionOf(outcome)).to.be.instanceOf(ValidationError);
    else expect(await outcome).to.deep.equal([{ it: new Date(0) }]);
  });
});

async function fieldsOf(outcome: Promise<unknown>): Promise<Record<string, unknown>> {
  const error = await rejectionOf(outcome);
  expect(error).to.be.instanceOf(ConstraintViolationError);
  const { table, constraint, columns } = error as ConstraintViolationError;
  return { table, constraint, columns };
}

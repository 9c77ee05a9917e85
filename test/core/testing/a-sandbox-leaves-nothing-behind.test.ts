import { expect } from 'chai';
import { sql, type Transaction } from 'kysely';
import {
  DatabaseProviderFactory,
  OutsideTransactionError,
  UnitOfWork,
  ValidationError,
  type DatabaseProvider,
} from '../../../src/core/index.ts';
import { sandbox, type SandboxProvider } from '../../../src/core/testing/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';

interface Tables {
  notes: { id: number };
}

describeOnEachDatabase('a sandbox', (database) => {
  let provider: DatabaseProvider<Tables>;

  before(async () => {
    provider = DatabaseProviderFactory.createProvider<Tables>(await database.freshUrl());
    await sql`create table notes (id integer primary key)`.execute(provider.db);
  });
  after(() => provider.close());
  afterEach(async () => {
    expect(await provider.query('select id from notes')).to.deep.equal([]);
  });

  it('gives what the work returns, and leaves nothing behind', async () => {
    const ids = await sandbox(provider, async (tx) => {
      await tx.insertInto('notes').values({ id: 1 }).execute();
      return tx.selectFrom('notes').select('id').execute();
    });
    expect(ids).to.deep.equal([{ id: 1 }]);
  });

  it('throws what the work throws', async () => {
    const failure = new Error('the work');
    const work = sandbox(provider, async (tx) => {
      await tx.insertInto('notes').values({ id: 2 }).execute();
      throw failure;
    });
    expect(await rejectionOf(work)).to.equal(failure);
  });

  it('says where its provider fails, or does not roll back', async () => {
    const failure = new Error('the provider');
    const failing: SandboxProvider<Tables> = {
      transaction: (work) => provider.transaction(work).catch(() => Promise.reject(failure)),
    };
    expect(await rejectionOf(sandbox(failing, async () => 1))).to.equal(failure);
    const committing: SandboxProvider<Tables> = {
      transaction: <Result>(work: (tx: Transaction<Tables>) => Promise<Result>) =>
        provider.transaction((tx) => work(tx).catch(() => undefined as Result)),
    };
    expect(await rejectionOf(sandbox(committing, async () => 1))).to.be.instanceOf(ValidationError);
  });

  it('takes units of work in, whose hooks are not called', async () => {
    const unitOfWork = new UnitOfWork(provider);
    let isCalled = false;
    const seen = await sandbox(provider, async (tx) => {
      await unitOfWork.run(async ({ db, afterCommit }) => {
        afterCommit(() => (isCalled = true));
        await db.insertInto('notes').values({ id: 3 }).execute();
      });
      return tx.selectFrom('notes').select('id').execute();
    });
    expect(seen).to.deep.equal([{ id: 3 }]);
    expect(isCalled).to.equal(false);
  });

  it('refuses the root handle, whose rows would stay', async () => {
    const work = sandbox(provider, () => provider.db.insertInto('notes').values({ id: 4 }).execute());
    expect(await rejectionOf(work)).to.be.instanceOf(OutsideTransactionError);
  });
});

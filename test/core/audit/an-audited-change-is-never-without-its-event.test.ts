import { expect } from 'chai';
import { auditedTarget } from '../../../src/core/audit/index.ts';
import {
  Repository,
  runAs,
  StaleEntityError,
  ValidationError,
  type RepositoryCallOptions,
  type RepositoryProvider,
} from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import {
  accountsOf,
  makeAccount,
  openAudited,
  readTold,
  type AuditedDatabase,
  type AuditedTables,
  type Mark,
} from './audited-fixture.ts';

/** A repository with a method of its own. */
class MarkRepository extends Repository<AuditedTables, 'marks', Mark, unknown, 'note_id' | 'label'> {
  constructor(provider: RepositoryProvider<AuditedTables>) {
    super(provider, {
      table: 'marks',
      key: ['note_id', 'label'],
      columns: { note_id: 'uuid', label: 'text', color: 'text?' },
      mapper: { fromRow: (row) => ({ ...row }), toRow: (mark) => mark },
    });
  }

  paint(mark: Mark, color: string, options: RepositoryCallOptions<AuditedTables> = {}): Promise<Mark> {
    return this.update({ ...mark, color }, options);
  }
}

describeOnEachDatabase('an audited change is never without its event', (database) => {
  const ada = { type: 'user', id: 'ada' } as const;
  let audited: AuditedDatabase;

  before(async () => {
    audited = await openAudited(await database.freshUrl(), { requireActor: true });
  });
  after(() => audited.provider.close());

  const countEvents = async (): Promise<number> => (await readTold(audited)).events.length;

  async function expectNothing(work: () => Promise<unknown>): Promise<void> {
    const { accounts } = audited;
    const [rows, events] = [await accounts.count({}), await countEvents()];
    expect(await rejectionOf(work())).to.be.instanceOf(ValidationError);
    expect(await accounts.count({})).to.equal(rows);
    expect(await countEvents()).to.equal(events);
  }

  it('where the event is refused', () => expectNothing(() => audited.accounts.insert(makeAccount())));

  it('where the event is refused, and a unit goes on', () =>
    expectNothing(() =>
      audited.unitOfWork.run(async ({ repositories }) => {
        await rejectionOf(repositories.accounts.insert(makeAccount()));
      }),
    ));

  it('where the event is refused, and a transaction of Kysely goes on', async () => {
    const { accounts, provider } = audited;
    const before = await accounts.count({});
    await rejectionOf(
      provider.db.transaction().execute(async (on) => {
        await rejectionOf(accounts.insert(makeAccount(), { on }));
      }),
    );
    expect(await accounts.count({})).to.equal(before);
  });

  it('where a nested unit with a refused event is undone, the unit around it is kept', async () => {
    const kept = makeAccount();
    await audited.unitOfWork.run(async ({ repositories }) => {
      await runAs(ada, () => repositories.accounts.insert(kept));
      const error = await rejectionOf(
        audited.unitOfWork.run((inner) => inner.repositories.accounts.insert(makeAccount())),
      );
      expect(error).to.be.instanceOf(ValidationError);
    });
    expect(await audited.accounts.findById(kept.id)).to.deep.include({ id: kept.id });
    const { events } = await readTold(audited);
    expect(events.at(-1)).to.deep.include({ action: 'create', entity: `account ${kept.id}` });
  });

  it('and what changes nothing, such as a stale update, stops nobody', () =>
    runAs(ada, async () => {
      const account = await audited.accounts.insert(makeAccount());
      const events = await countEvents();
      await audited.unitOfWork.run(async ({ repositories: { accounts } }) => {
        const error = await rejectionOf(accounts.update({ ...account, version: 7 }));
        expect(error).to.be.instanceOf(StaleEntityError);
        await accounts.update({ ...account, seen: 1 });
      });
      expect(await countEvents()).to.equal(events + 1);
    }));

  it('of rows that take several statements', () =>
    runAs(ada, async () => {
      const rows = Array.from({ length: 1_100 }, () => makeAccount());
      const events = await countEvents();
      expect(await audited.accounts.insertMany(rows)).to.equal(rows.length);
      const made = (await readTold(audited)).events.slice(events).map(({ entity }) => entity);
      expect(made.sort()).to.deep.equal(rows.map(({ id }) => `account ${id}`).sort());
    }));

  it('in a transaction that is handed in, of the provider and of Kysely', () =>
    runAs(ada, async () => {
      const { accounts, provider } = audited;
      for (const transact of [
        (work: (on: never) => Promise<void>) => provider.transaction((tx) => work(tx as never)),
        (work: (on: never) => Promise<void>) => provider.db.transaction().execute((tx) => work(tx as never)),
      ]) {
        const events = await countEvents();
        await transact(async (on) => {
          const account = await accounts.insert(makeAccount(), { on });
          await accounts.update({ ...account, seen: 5 }, { on });
          await accounts.delete({ ...account, version: 2 }, { on });
        });
        const told = (await readTold(audited)).events.slice(events);
        expect(told.map(({ action }) => action)).to.deep.equal(['create', 'update', 'delete']);
        expect(told[1]?.changes).to.deep.equal([
          { field: 'seen', old: 0, new: 5 },
          { field: 'version', old: 1, new: 2 },
        ]);
      }
    }));

  it('in methods that a subclass adds, on a target', () =>
    runAs(ada, async () => {
      const account = await audited.accounts.insert(makeAccount());
      const note = { id: crypto.randomUUID(), account_id: account.id, place: 1, text: null };
      await audited.notes.insert(note);
      const mark = { note_id: note.id, label: 'l', color: null };
      const marks = new MarkRepository(auditedTarget(audited.provider, audited.audit.marks));
      await marks.insert(mark);
      await marks.paint(mark, 'red');
      const { events } = await readTold(audited);
      expect(events.at(-1)).to.deep.equal({
        action: 'update',
        entity: `mark ${JSON.stringify([note.id, 'l'])}`,
        changes: [{ field: 'color', old: null, new: 'red' }],
        cascade: undefined,
      });
    }));

  it('by whoever did it', async () => {
    await runAs({ ...ada, tenant: 't', requestId: 'r' }, () => audited.accounts.insert(makeAccount()));
    const row = await audited.provider.db
      .selectFrom('audit_logs')
      .selectAll()
      .orderBy('seq', 'desc')
      .limit(1)
      .executeTakeFirstOrThrow();
    expect(row).to.include({ actor_type: 'user', actor_id: 'ada', tenant: 't', request_id: 'r' });
  });

  it('and no event where nothing that is recorded has changed', () =>
    runAs(ada, async () => {
      const { notes } = audited;
      const account = await audited.accounts.insert(makeAccount());
      const note = { id: crypto.randomUUID(), account_id: account.id, place: 1, text: null };
      await notes.insert(note);
      const events = await countEvents();
      await notes.update(note);
      await notes.upsert(note);
      await notes.insertMany([]);
      expect(await countEvents()).to.equal(events);
    }));

  it('of a repository whose options have faults: all of them are told', () => {
    const { log, provider } = audited;
    const options = {
      log,
      entity: '',
      mask: ['pim'],
      ignore: ['seem'],
      cascades: [{ of: accountsOf(provider), column: 'owner', references: 'idd', entity: 'account' }],
    };
    const accounts = new MarkRepository(auditedTarget(provider, options));
    return runAs(ada, async () => {
      const error = await rejectionOf(
        accounts.upsert({ note_id: crypto.randomUUID(), label: 'l', color: null }),
      );
      expect(error).to.be.instanceOf(ValidationError);
      expect((error as ValidationError).issues.map(({ path }) => path.join('.'))).to.deep.equal([
        'entity',
        'mask.0',
        'ignore.0',
        'cascades.0.column',
        'cascades.0.references',
      ]);
    });
  });

  it('twice: what is audited already is refused, and so are options of another table', () => {
    const { provider, audit, accounts } = audited;
    expect(() => accounts.rebind((target) => auditedTarget(target, audit.accounts))).to.throw(
      ValidationError,
      'audited already',
    );
    expect(() => accountsOf(provider).rebind((target) => auditedTarget(target, audit.marks))).not.to.throw();
    const wrong = accountsOf(auditedTarget(provider, audit.marks));
    return runAs(ada, async () => {
      expect(await rejectionOf(wrong.insert(makeAccount()))).to.be.instanceOf(ValidationError);
    });
  });
});

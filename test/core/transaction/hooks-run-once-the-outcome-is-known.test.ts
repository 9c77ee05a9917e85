import { expect } from 'chai';
import { CompiledQuery } from 'kysely';
import {
  CommitOutcomeUnknownError,
  DatabaseBusyError,
  NestedAcquireError,
  OutsideTransactionError,
  TransactionClosedError,
  afterCommitOf,
} from '../../../src/core/index.ts';
import { postgresEngine } from '../../../src/core/engine/postgres/postgres-engine.ts';
import { sqliteEngine } from '../../../src/core/engine/sqlite/sqlite-engine.ts';
import { withFaults, type DriverCall } from '../../../src/core/testing/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { createThingRepository } from '../repository/things.ts';
import { openUnits, scored, type Units } from './units.ts';

describeOnEachDatabase('hooks run once the outcome is known', (database) => {
  let units: Units;
  let seen: string[];
  let logged: unknown[];
  let commitFault: (() => Error) | undefined;

  function inject({ kind }: DriverCall): void {
    if (kind !== 'commit' || commitFault === undefined) return;
    const makeError = commitFault;
    commitFault = undefined;
    throw makeError();
  }

  before(async () => {
    const error = ({ error: met }: { readonly error?: unknown }) => void logged.push(met);
    units = await openUnits(database, {
      engines: [withFaults(sqliteEngine, inject), withFaults(postgresEngine, inject)],
      logger: { debug() {}, info() {}, warn() {}, error },
    });
  });
  beforeEach(async () => {
    seen = [];
    logged = [];
    await units.provider.db.deleteFrom('things').execute();
  });
  afterEach(() => expect(units.provider.stats()).to.include({ busy: 0, waiting: 0 }));
  after(() => units.provider.close());

  it('those of all units inside, in the order in which they were asked for, each done before the next', async () => {
    await units.unitOfWork.run(async ({ afterCommit, afterRollback }) => {
      afterRollback(() => seen.push('never'));
      afterCommit(async () => {
        seen.push('first begins');
        await units.provider.query('select 1');
        seen.push('first ends');
      });
      await units.unitOfWork.run(async (inner) => {
        inner.afterCommit(() => seen.push('nested'));
        await units.unitOfWork.run(async (joined) => joined.afterCommit(() => seen.push('joined')), {
          propagation: 'join',
        });
      });
      afterCommit(() => seen.push('last'));
    });
    expect(seen).to.deep.equal(['first begins', 'first ends', 'nested', 'joined', 'last']);
  });

  it('and in that order also where units inside and what is around them ask in turn', async () => {
    const ask = async (isKept: boolean) => {
      const outcome = units.unitOfWork.run(async (outer) => {
        const note = (unit: typeof outer, name: string) =>
          isKept ? unit.afterCommit(() => seen.push(name)) : unit.afterRollback(() => seen.push(name));
        note(outer, '1');
        await units.unitOfWork.run(async (nested) => {
          note(nested, '2');
          note(outer, '3');
          await units.unitOfWork.run(async (innermost) => {
            note(innermost, '4');
            note(nested, '5');
            note(outer, '6');
          });
          note(nested, '7');
        });
        note(outer, '8');
        if (!isKept) throw new Error('mine');
      });
      await Promise.allSettled([outcome]);
    };
    await ask(true);
    await ask(false);
    expect(seen.join('')).to.equal('1234567812345678');
  });

  it('none of a nested unit that was undone, and its own at once', async () => {
    await units.unitOfWork.run(async ({ afterCommit, repositories: { things } }) => {
      const nested = units.unitOfWork.run(async (inner) => {
        inner.afterCommit(() => seen.push('never'));
        // The handle around is free by then: nobody waits for oneself.
        inner.afterRollback(async (error) => {
          await things.insert(scored(1));
          seen.push(`undone: ${(error as Error).message}`);
        });
        throw new Error('mine');
      });
      await rejectionOf(nested);
      seen.push('goes on');
      afterCommit(() => seen.push('committed'));
    });
    expect(seen).to.deep.equal(['undone: mine', 'goes on', 'committed']);
    expect(await units.scores()).to.deep.equal([1]);
  });

  it('and those beside what is around it, which holds its connection', async () => {
    const hasRoom = database.name === 'postgres';
    await units.unitOfWork.run(async ({ repositories: { things } }) => {
      await things.insert(scored(1));
      const nested = units.unitOfWork.run(async (inner) => {
        inner.afterRollback(() =>
          units.unitOfWork.run((own) => own.repositories.things.insert(scored(2)), {
            isolation: 'read committed',
          }),
        );
        throw new Error('mine');
      });
      await rejectionOf(nested);
    });
    expect(await units.scores()).to.deep.equal(hasRoom ? [1, 2] : [1]);
    expect(logged).to.have.length(hasRoom ? 0 : 1);
    if (!hasRoom) expect(logged[0]).to.be.instanceOf(NestedAcquireError);
  });

  it('those of a nested unit that was kept, behind the rollback of what is around it', async () => {
    const mine = new Error('mine');
    const outcome = units.unitOfWork.run(async ({ afterRollback, afterCommit }) => {
      await units.unitOfWork.run(async (inner) => {
        inner.afterRollback((error) => seen.push(error === mine ? 'nested' : 'another error'));
      });
      afterRollback((error) => seen.push(error === mine ? 'outer' : 'another error'));
      afterCommit(() => seen.push('never'));
      throw mine;
    });
    expect(await rejectionOf(outcome)).to.equal(mine);
    expect(seen).to.deep.equal(['nested', 'outer']);
  });

  it('behind each attempt that was rolled back, and once behind the commit', async () => {
    let attempts = 0;
    await units.unitOfWork.run(
      async ({ afterCommit, afterRollback }) => {
        attempts += 1;
        const attempt = attempts;
        afterCommit(() => seen.push(`committed ${attempt}`));
        afterRollback(() => seen.push(`undone ${attempt}`));
        if (attempt < 3) throw new DatabaseBusyError('busy');
      },
      { retry: { baseDelay: 0.1 } },
    );
    expect(seen).to.deep.equal(['undone 1', 'undone 2', 'committed 3']);
  });

  it('one that throws is reported, undoes nothing and keeps no other from running', async () => {
    const mine = new Error('mine');
    const result = await units.unitOfWork.run(async ({ afterCommit, repositories: { things } }) => {
      await things.insert(scored(1));
      afterCommit(() => {
        throw mine;
      });
      afterCommit(() => Promise.reject(mine));
      afterCommit(() => seen.push('next'));
      return 'result';
    });
    expect(result).to.equal('result');
    expect(logged).to.deep.equal([mine, mine]);
    expect(seen).to.deep.equal(['next']);
    expect(await units.scores()).to.deep.equal([1]);
  });

  it('they are outside, hold no connection, and may begin units of their own', async () => {
    await units.unitOfWork.run(async ({ afterCommit, repositories: { things } }) => {
      await things.insert(scored(1));
      afterCommit(async () => {
        expect(units.provider.stats().busy).to.equal(0);
        await createThingRepository(units.provider).insert(scored(2));
        await units.unitOfWork.run(async (inner) => {
          await inner.repositories.things.insert(scored(3));
          inner.afterCommit(() => createThingRepository(units.provider).insert(scored(4)));
        });
      });
    });
    expect(logged).to.deep.equal([]);
    expect(await units.scores()).to.deep.equal([1, 2, 3, 4]);
  });

  it('behind a commit that fails, those of the rollback', async () => {
    commitFault = () => new DatabaseBusyError('busy');
    const outcome = units.unitOfWork.run(
      async ({ afterCommit, afterRollback }) => {
        afterCommit(() => seen.push('never'));
        afterRollback(() => seen.push('undone'));
      },
      { retry: false },
    );
    expect(await rejectionOf(outcome)).to.be.instanceOf(DatabaseBusyError);
    expect(seen).to.deep.equal(['undone']);
  });

  it('where nobody knows the outcome, none: neither would be true', async () => {
    commitFault = () => new CommitOutcomeUnknownError('unknown', { xid: undefined });
    let attempts = 0;
    const outcome = units.unitOfWork.run(async ({ afterCommit, afterRollback }) => {
      attempts += 1;
      afterCommit(() => seen.push('never'));
      afterRollback(() => seen.push('never'));
    });
    expect(await rejectionOf(outcome)).to.be.instanceOf(CommitOutcomeUnknownError);
    expect(seen).to.deep.equal([]);
    expect(attempts).to.equal(1);
  });

  it('but those of a rollback behind work that met such an error elsewhere', async () => {
    const outcome = units.unitOfWork.run(async ({ afterRollback }) => {
      afterRollback(() => seen.push('undone'));
      throw new CommitOutcomeUnknownError('unknown', { xid: undefined });
    });
    expect(await rejectionOf(outcome)).to.be.instanceOf(CommitOutcomeUnknownError);
    expect(seen).to.deep.equal(['undone']);
  });

  it('one that comes too late is refused, since nobody would run it', async () => {
    const late: unknown[] = [];
    const asked: unknown[] = [];
    await units.unitOfWork.run(async (unit) => {
      await units.unitOfWork.run(async (inner) => {
        late.push(inner);
      });
      late.push(unit);
    });
    for (const unit of late as {
      afterCommit: (hook: () => void) => void;
      afterRollback: (hook: () => void) => void;
    }[]) {
      expect(() => unit.afterCommit(() => asked.push(1))).to.throw(TransactionClosedError);
      expect(() => unit.afterRollback(() => asked.push(1))).to.throw(TransactionClosedError);
    }
    expect(asked).to.deep.equal([]);
  });

  it('for rooms that are handed a handle alone as well', async () => {
    await units.provider.transaction(async (tx) => {
      expect(afterCommitOf(tx, () => seen.push('transaction'))).to.equal(true);
    });
    await units.unitOfWork.run(async ({ db }) => {
      expect(afterCommitOf(db, () => seen.push('unit'))).to.equal(true);
      expect(afterCommitOf(db.withSchema('public'), () => seen.push('of a schema'))).to.equal(true);
      expect(afterCommitOf(db.withoutPlugins(), () => seen.push('without plugins'))).to.equal(true);
      for (const [way, handle] of Object.entries({
        withTables: db.withTables<{ more: { id: number } }>(),
        extendTables: db.$extendTables<{ more: { id: number } }>(),
        omitTables: db.$omitTables<'things'>(),
        pickTables: db.$pickTables<'things'>(),
      })) {
        expect(
          afterCommitOf(handle, () => seen.push(way)),
          way,
        ).to.equal(true);
        expect(() => handle.transaction(), way).to.throw(OutsideTransactionError);
        await handle.executeQuery(CompiledQuery.raw('select 1'));
      }
    });
    expect(afterCommitOf(units.provider.db, () => seen.push('never'))).to.equal(false);
    await units.provider.db.transaction().execute(async (tx) => {
      expect(afterCommitOf(tx, () => seen.push('never'))).to.equal(false);
    });
    expect(seen).to.deep.equal([
      'transaction',
      'unit',
      'of a schema',
      'without plugins',
      'withTables',
      'extendTables',
      'omitTables',
      'pickTables',
    ]);
  });
});

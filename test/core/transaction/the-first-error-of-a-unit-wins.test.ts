import { expect } from 'chai';
import {
  DatabaseBusyError,
  QueryError,
  TransactionAbortedError,
  UniqueViolationError,
} from '../../../src/core/index.ts';
import { postgresEngine } from '../../../src/core/engine/postgres/postgres-engine.ts';
import { sqliteEngine } from '../../../src/core/engine/sqlite/sqlite-engine.ts';
import { withFaults, type DriverCall } from '../../../src/core/testing/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { openUnits, scored, type Units } from './units.ts';

describeOnEachDatabase('the first error of a unit wins', (database) => {
  let units: Units;
  const broken = new Set<string>();
  const fault = () => new QueryError('a fault of the test', undefined);
  const logged: string[] = [];
  const hear = (_: object, message: string) => void logged.push(message);

  function inject({ kind, sql }: DriverCall): void {
    if (broken.delete(kind) || (sql !== undefined && broken.delete(sql))) throw fault();
  }

  before(async () => {
    units = await openUnits(database, {
      engines: [withFaults(sqliteEngine, inject), withFaults(postgresEngine, inject)],
      logger: { debug() {}, info() {}, warn: hear, error: hear },
    });
  });
  beforeEach(() => units.provider.db.deleteFrom('things').execute());
  afterEach(() => {
    expect(units.provider.stats()).to.include({ busy: 0, waiting: 0 });
    broken.clear();
    logged.length = 0;
  });
  after(() => units.provider.close());

  const strange: Record<string, unknown> = {
    undefined: undefined,
    null: null,
    'a text': 'text',
    'a number': 0,
    'a plain object': { message: 'plain' },
    'a frozen error': Object.freeze(new Error('frozen')),
  };

  for (const [name, thrown] of Object.entries(strange)) {
    it(`also ${name}, behind a rollback that fails`, async () => {
      broken.add('rollback');
      const outcome = units.unitOfWork.run(async ({ repositories: { things } }) => {
        await things.insert(scored(1));
        const { promise, reject } = Promise.withResolvers<never>();
        reject(thrown);
        return promise;
      });
      expect(await rejectionOf(outcome)).to.equal(thrown);
      const isAttached = name === 'a plain object';
      expect(logged).to.deep.equal(isAttached ? [] : ['a rollback failed; its connection is given up']);
      expect(await units.scores()).to.deep.equal([]);
    });
  }

  it('and carries what the rollback met as `suppressed`, where nobody prints it by accident', async () => {
    broken.add('rollback');
    const mine = new Error('mine');
    const outcome = units.unitOfWork.run(async () => {
      throw mine;
    });
    expect(await rejectionOf(outcome)).to.equal(mine);
    expect((mine as { suppressed?: unknown }).suppressed).to.be.instanceOf(QueryError);
    expect(Object.keys(mine)).to.deep.equal([]);
  });

  it('also in a transaction that plain Kysely runs, where what the rollback met is logged', async () => {
    broken.add('rollback');
    const mine = new Error('mine');
    const outcome = units.provider.db.transaction().execute(async (tx) => {
      await tx.insertInto('things').values(scored(1)).execute();
      throw mine;
    });
    expect(await rejectionOf(outcome)).to.equal(mine);
    expect(logged).to.deep.equal(['a rollback failed; its connection is given up']);
    expect(await units.scores()).to.deep.equal([]);
  });

  it('where the commit fails, and the rollback behind it too', async () => {
    broken.add('commit').add('rollback');
    let signal: AbortSignal | undefined;
    const outcome = units.unitOfWork.run(async (unit) => {
      signal = unit.signal;
      await unit.repositories.things.insert(scored(1));
    });
    const error = await rejectionOf(outcome);
    expect(error).to.be.instanceOf(QueryError);
    expect((error as { suppressed?: unknown }).suppressed).to.be.instanceOf(QueryError);
    expect(signal?.aborted).to.equal(true);
    expect(await units.scores()).to.deep.equal([]);
  });

  it('where it cannot begin', async () => {
    broken.add('begin');
    expect(await rejectionOf(units.unitOfWork.run(async () => 1))).to.be.instanceOf(QueryError);
  });

  it('where the work throws before it returns a promise', async () => {
    const mine = new Error('mine');
    const outcome = units.unitOfWork.run(() => {
      throw mine;
    });
    expect(await rejectionOf(outcome)).to.equal(mine);
  });

  it('a nested unit that can be neither kept nor undone takes everything with it, whoever catches that', async () => {
    broken.add('release savepoint liminal_1').add('rollback to savepoint liminal_1');
    let first: unknown;
    const outcome = units.unitOfWork.run(async ({ repositories: { things }, db }) => {
      await things.insert(scored(1));
      first = await rejectionOf(units.unitOfWork.run((inner) => inner.repositories.things.insert(scored(2))));
      // Not even by hand is it undone.
      const later = await rejectionOf(
        db.executeQuery({
          sql: 'rollback to savepoint liminal_1',
          parameters: [],
          query: { kind: 'RawNode' },
        } as never),
      );
      expect(later).to.be.instanceOf(TransactionAbortedError);
    });
    const error = await rejectionOf(outcome);
    expect(error).to.be.instanceOf(TransactionAbortedError).and.include({ cause: first });
    expect((first as { suppressed?: unknown }).suppressed).to.be.instanceOf(QueryError);
    expect(await units.scores()).to.deep.equal([]);
  });

  it('a nested unit that cannot begin takes everything with it', async () => {
    broken.add('savepoint liminal_1');
    let isRun = false;
    const outcome = units.unitOfWork.run(async ({ repositories: { things } }) => {
      await things.insert(scored(1));
      await rejectionOf(units.unitOfWork.run(async () => (isRun = true)));
    });
    expect(await rejectionOf(outcome)).to.be.instanceOf(TransactionAbortedError);
    expect(isRun).to.equal(false);
    expect(await units.scores()).to.deep.equal([]);
  });

  it('of several branches that fail, the first', async () => {
    const id = crypto.randomUUID();
    const outcome = units.unitOfWork.run(async ({ repositories: { things } }) => {
      await things.insert(scored(1, id));
      await Promise.all([
        things.insert(scored(2, id)),
        things.insert(scored(3)),
        things.getById(crypto.randomUUID()),
      ]);
    });
    expect(await rejectionOf(outcome)).to.be.instanceOf(UniqueViolationError);
    expect(await units.scores()).to.deep.equal([]);
  });

  it('of the attempts of a unit, the last', async () => {
    let attempts = 0;
    const outcome = units.unitOfWork.run(
      async () => {
        attempts += 1;
        throw new DatabaseBusyError(`busy ${attempts}`);
      },
      { retry: { attempts: 3, baseDelay: 0.1, maxDelay: 0.1 } },
    );
    expect(await rejectionOf(outcome)).to.include({ message: 'busy 3' });
  });
});

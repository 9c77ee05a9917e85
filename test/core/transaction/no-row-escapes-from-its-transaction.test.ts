import { expect } from 'chai';
import { Kysely } from 'kysely';
import { PooledPostgresDialect } from '../../../src/core/engine/postgres/index.ts';
import { PooledSqliteDialect } from '../../../src/core/engine/sqlite/index.ts';
import { DatabaseProviderFactory, UnitOfWork, type DatabaseProvider } from '../../../src/core/index.ts';
import {
  checkEscape,
  kyselyEscapeSubject,
  unitOfWorkSource,
  type EscapeReport,
  type EscapeSubject,
  type ScopeTools,
  type TransactionSource,
} from '../../../src/core/testing/index.ts';
import type { Unit } from '../../../src/core/transaction/unit.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';

type Tables = Record<string, never>;

/** Says how to run a failing history again. */
async function expectNothingEscapes(subject: EscapeSubject, histories: number): Promise<void> {
  const report = await checkEscape(subject, { histories, watchdog: 30_000 });
  expect(faultsOf(report)).to.equal('');
  expect(report).to.include({ histories, escaped: 0, lost: 0, hangs: 0, misfired: 0, masked: 0 });
}

function faultsOf({ counterexample, seed }: EscapeReport): string {
  if (counterexample === undefined) return '';
  const { faults, trace, path } = counterexample;
  return [`seed ${seed}, path ${path}`, ...faults.map(({ message }) => message), ...trace].join('\n');
}

describeOnEachDatabase('no row escapes from its transaction', function (database) {
  let provider: DatabaseProvider<Tables>;
  let unitOfWork: UnitOfWork<Tables>;

  before(async () => {
    provider = DatabaseProviderFactory.createProvider<Tables>(await database.freshUrl());
    unitOfWork = new UnitOfWork<Tables>(provider);
  });
  after(() => provider.close());

  it('that a unit of work runs', async function () {
    this.timeout(300_000);
    const source = unitOfWorkSource(unitOfWork, provider);
    await expectNothingEscapes(kyselyEscapeSubject(source), soakCount(10_000));
  });

  it('that a provider runs', async function () {
    this.timeout(300_000);
    await expectNothingEscapes(kyselyEscapeSubject(provider), soakCount(10_000));
  });

  it('that its caller begins and ends', async function () {
    this.timeout(300_000);
    // A unit that stands in no async context cannot tell who uses the root handle beside it.
    const subject = kyselyEscapeSubject(explicitSource(unitOfWork, provider), { usesRoot: false });
    await expectNothingEscapes(subject, soakCount(2_000));
  });

  it("that Kysely runs on a provider's handle", async function () {
    this.timeout(300_000);
    const source: TransactionSource = {
      db: provider.db,
      transaction: (work) => provider.db.transaction().execute(work),
    };
    // Kysely lends its connection to a stream until that ends, so that a statement in the loop waits for ever.
    await expectNothingEscapes(kyselyEscapeSubject(source, { usesStreams: false }), soakCount(2_000));
  });
});

function explicitSource(
  unitOfWork: UnitOfWork<Tables>,
  provider: DatabaseProvider<Tables>,
): TransactionSource {
  const toolsOf = ({ afterCommit, afterRollback }: Unit<Tables>) => ({ afterCommit, afterRollback });
  return {
    db: provider.db,
    async transaction(work) {
      await using unit = await unitOfWork.begin();
      const tools: ScopeTools = {
        ...toolsOf(unit),
        nested: (nestedWork) => unit.run((inner) => nestedWork(inner.db, toolsOf(inner))),
      };
      const result = await work(unit.db, tools);
      await unit.commit();
      return result;
    },
  };
}

for (const name of ['sqlite-file', 'postgres'] as const) {
  describeOnDatabase(name, 'no row escapes from a transaction of Kysely alone', (database) => {
    it('on a pooled dialect', async function () {
      this.timeout(300_000);
      const url = await database.freshUrl();
      const dialect =
        name === 'postgres'
          ? new PooledPostgresDialect({ connectionString: url })
          : new PooledSqliteDialect({ filename: url.slice('sqlite:'.length) });
      const db = new Kysely<Tables>({ dialect });
      try {
        const source: TransactionSource = { db, transaction: (work) => db.transaction().execute(work) };
        const subject = kyselyEscapeSubject(source, { usesRoot: false, usesStreams: false });
        await expectNothingEscapes(subject, soakCount(2_000));
      } finally {
        await db.destroy();
      }
    });
  });
}

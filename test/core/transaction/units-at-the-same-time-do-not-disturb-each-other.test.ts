import { expect } from 'chai';
import type { QueryExecutorProvider } from 'kysely';
import { DatabaseProviderFactory, UnitOfWork, type DatabaseProvider } from '../../../src/core/index.ts';
import {
  checkIsolation,
  kyselyIsolationSubject,
  unitOfWorkSource,
  type AnomalyKind,
  type IsolationReport,
} from '../../../src/core/testing/index.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { isSoak, soakCount } from '../../support/engines.ts';

type Tables = Record<string, never>;

function found({ counts }: IsolationReport): AnomalyKind[] {
  return (Object.keys(counts) as AnomalyKind[]).filter((kind) => counts[kind] > 0);
}

/** Says how to run it again. */
function explain({ seed, anomalies, errors }: IsolationReport): string {
  const first = anomalies.slice(0, 5).map(({ kind, explanation }) => `${kind}: ${explanation}`);
  return [`seed ${seed}`, ...first, ...errors.map(String)].join('\n');
}

describeOnEachDatabase('units of work at the same time', (database) => {
  let provider: DatabaseProvider<Tables>;

  before(async () => {
    provider = DatabaseProviderFactory.createProvider<Tables>(await database.freshUrl());
  });
  after(() => provider.close());

  it('do not disturb each other', async function () {
    this.timeout(300_000);
    const source = unitOfWorkSource(new UnitOfWork<Tables>(provider), provider);
    const report = await checkIsolation(kyselyIsolationSubject(source), { transactions: soakCount(10_000) });
    expect(found(report), explain(report)).to.deep.equal([]);
    expect(report.failed, explain(report)).to.equal(0);
    expect(report.committed).to.be.greaterThan(soakCount(10_000) * 0.9);
  });

  it('nor do transactions of a provider that are run again one by one', async function () {
    this.timeout(300_000);
    const report = await checkIsolation(kyselyIsolationSubject(provider), {
      transactions: soakCount(10_000),
      isolation: 'serializable',
    });
    expect(found(report), explain(report)).to.deep.equal([]);
    // Nobody goes first there: on a busy machine one may have no luck in all of its tries.
    expect(report.failed, explain(report)).to.be.at.most(isSoak ? 0 : soakCount(10_000) / 20);
  });

  it('do, where they are none', async () => {
    const db: QueryExecutorProvider = provider.db;
    const subject = kyselyIsolationSubject({ db, transaction: (work) => work(db) });
    const report = await checkIsolation(subject, { transactions: 600 });
    expect(found(report)).to.include.members([
      'dirty write',
      'aborted read',
      'intermediate read',
      'non-repeatable read',
      'lost update',
      'write skew',
    ]);
  });
});

/** The control: what a level allows must show, else the check would find nothing anywhere. */
describeOnDatabase('postgres', 'transactions at the same time, at a level that allows more,', (database) => {
  let provider: DatabaseProvider<Tables>;

  before(async () => {
    provider = DatabaseProviderFactory.createProvider<Tables>(await database.freshUrl());
  });
  after(() => provider.close());

  it('show what `repeatable read` allows, and nothing else', async function () {
    this.timeout(300_000);
    const report = await checkIsolation(kyselyIsolationSubject(provider), {
      transactions: 2_000,
      isolation: 'repeatable read',
    });
    expect(found(report), explain(report)).to.deep.equal(['write skew']);
    expect(report.failed, explain(report)).to.equal(0);
  });

  it('show what `read committed` allows, and nothing else', async function () {
    this.timeout(300_000);
    const report = await checkIsolation(kyselyIsolationSubject(provider), {
      transactions: 2_000,
      isolation: 'read committed',
    });
    const allowed = ['non-repeatable read', 'lost update', 'read skew', 'write skew'];
    expect(found(report), explain(report)).to.have.members(allowed);
    expect(report.failed, explain(report)).to.equal(0);
  });
});

import { expect } from 'chai';
import { postgresPlan } from '../../../../src/core/engine/postgres/postgres-plan.ts';
import type { DatabaseProvider } from '../../../../src/core/index.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { openUntyped } from '../sample-history.ts';
import { codesOf, planOf, sending, statementsOf } from './plan-for-show.ts';
import { postgresCases } from './postgres-cases.ts';
import { harmlessOnPostgres, postgresScene } from './postgres-scene.ts';

const none: ReadonlySet<string> = new Set();

/** Where the text alone cannot name the table, or the server takes more on its way. */
const differing =
  /^(?:drop index|drop schema|drop type|drop function|drop sequence|alter view|alter type|alter schema|alter index|reindex|truncate authors cascade|drop table books cascade|.*drop column title cascade|explain|do )/;

describeOnDatabase('postgres', 'the rules agree with the server', (database) => {
  let provider: DatabaseProvider<any>;

  before(async () => {
    provider = openUntyped(await database.freshUrl());
    for (const text of postgresScene) await provider.query(text);
  });

  after(() => provider.close());

  const texts = new Set([
    ...postgresCases
      .filter(({ isBare, unsafe }) => isBare !== true && unsafe.length === 1)
      .flatMap(({ unsafe }) => unsafe),
    ...harmlessOnPostgres,
  ]);
  for (const text of texts) {
    if (differing.test(text)) continue;
    it(`on what is locked by: ${text}`, async () => {
      const ruled = postgresPlan.assess(text, {
        inTransaction: true,
        schema: 'public',
        made: none,
        altered: none,
        unvalidated: none,
      });
      const plan = await planOf(provider, [sending([text])]);
      const [measured] = statementsOf(plan.migrations);
      if (measured === undefined || plan.error !== undefined || measured.kind === 'read') return;
      expect(measured.measured).to.equal(true);
      const strong = ruled.locks.filter(({ mode }) => mode !== 'ACCESS SHARE');
      for (const lock of strong) expect(measured.locks).to.deep.include(lock);
      if (ruled.rewrites !== undefined) expect(measured.rewrites).to.equal(ruled.rewrites);
    });
  }

  it('and where they differ, the server is believed: a rewrite that no rule sees', async () => {
    await provider.query('create domain positive as integer default 1 check (value > 0)');
    const plan = await planOf(provider, [sending(['alter table books add column d positive'])]);
    expect(statementsOf(plan.migrations)[0]).to.include({ rewrites: true, measured: true });
    expect(codesOf(plan)).to.deep.equal(['rewrite-table']);
  });

  it('and the tables of an index that is dropped are named', async () => {
    const plan = await planOf(provider, [sending(['drop index books_title_index'])]);
    expect(statementsOf(plan.migrations)[0]?.locks).to.deep.equal([
      { table: 'books', mode: 'ACCESS EXCLUSIVE' },
    ]);
  });
});

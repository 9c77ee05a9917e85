import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../../../scripts/run-command.ts';
import { dangerMeanings, destructiveCodes, isDangerCode } from '../../../../src/core/engine/danger-codes.ts';
import { postgresDangers } from '../../../../src/core/engine/postgres/postgres-dangers.ts';
import { sqliteDangers } from '../../../../src/core/engine/sqlite/sqlite-dangers.ts';
import type { DatabaseProvider } from '../../../../src/core/index.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { openUntyped } from '../sample-history.ts';
import { codesOf, planOf, sending, statementsOf } from './plan-for-show.ts';
import { postgresCases } from './postgres-cases.ts';
import { harmlessOnPostgres, postgresScene } from './postgres-scene.ts';
import { harmlessOnSqlite, sqliteCases, sqliteScene } from './sqlite-cases.ts';

const engines = [
  {
    name: 'postgres',
    scene: postgresScene,
    cases: postgresCases,
    harmless: harmlessOnPostgres,
    texts: postgresDangers,
  },
  {
    name: 'sqlite-file',
    scene: sqliteScene,
    cases: sqliteCases,
    harmless: harmlessOnSqlite,
    texts: sqliteDangers,
  },
] as const;

/** They fail where they are run: their danger is just that. */
const failing = new Set(['concurrently-in-transaction', 'add-column-refused', 'add-column-not-null']);

for (const { name, scene, cases, harmless, texts } of engines) {
  describeOnDatabase(name, 'each danger is told with its safe way', (database) => {
    let provider: DatabaseProvider<any>;

    before(async () => {
      provider = openUntyped(await database.freshUrl());
      for (const text of scene) await provider.query(text);
    });

    after(() => provider.close());

    for (const { code, unsafe, safe = [], isBare = false } of cases) {
      it(`${code}: ${unsafe.join('; ')}`, async () => {
        const terms = isBare ? { transaction: false } : {};
        const plan = await planOf(provider, [sending(unsafe, terms)]);
        if (!failing.has(code)) expect(plan.error?.cause).to.equal(undefined);
        expect(codesOf(plan)).to.include(code);
        expect(plan.dangers).to.be.at.least(1);
        const gone = statementsOf(plan.migrations).some(({ destroys }) => destroys !== undefined);
        if (destructiveCodes.has(code)) expect(gone).to.equal(true);
        if (safe.length === 0) return;
        const safely = await planOf(
          provider,
          safe.map((text, index) => sending([text], terms, `000${index + 1}-safe`)),
        );
        expect(safely.error?.cause).to.equal(undefined);
        expect(codesOf(safely)).to.deep.equal([]);
      });
    }

    for (const text of harmless) {
      it(`and none in: ${text}`, async () => {
        const plan = await planOf(provider, [sending([text])]);
        expect(plan.error?.cause).to.equal(undefined);
        expect(codesOf(plan)).to.deep.equal([]);
      });
    }

    it('and every danger of the engine has a case here', () => {
      const shown = new Set(cases.map(({ code }) => code));
      expect(
        Object.keys(texts).filter((code) => !shown.has(code as (typeof cases)[number]['code'])),
      ).to.deep.equal([]);
    });
  });
}

describe('the docs on plans', () => {
  it('list every danger, and none that there is not', () => {
    const page = readFileSync(join(projectRoot, 'docs', 'migration-plan.md'), 'utf8');
    const listed = [...page.slice(page.indexOf('## Dangers')).matchAll(/^\| `([a-z-]+)` /gm)].map(
      ([, code = '']) => code,
    );
    expect(listed).to.deep.equal(Object.keys(dangerMeanings).sort());
    expect(listed.every(isDangerCode)).to.equal(true);
  });
});

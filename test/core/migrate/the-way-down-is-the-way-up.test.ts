import { expect } from 'chai';
import type { DatabaseProvider } from '../../../src/core/index.ts';
import {
  Migrator,
  describeVerification,
  fingerprintSchema,
  orderSets,
  verifyMigrations,
} from '../../../src/core/migrate/index.ts';
import { auditMigrations } from '../../../migrations/audit/index.ts';
import { chatMigrations } from '../../../migrations/chat/index.ts';
import { healthMigrations } from '../../../migrations/health/index.ts';
import { legacyMigrations } from '../../../migrations/legacy/index.ts';
import { outboxMigrations } from '../../../migrations/outbox/index.ts';
import { sagaMigrations } from '../../../migrations/saga/index.ts';
import { tokenMigrations } from '../../../migrations/token/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { openUntyped } from './sample-history.ts';

const sets = orderSets([
  auditMigrations,
  chatMigrations,
  healthMigrations,
  legacyMigrations,
  outboxMigrations,
  sagaMigrations,
  tokenMigrations,
]);

describeOnEachDatabase('the way down is the way up', (database) => {
  let provider: DatabaseProvider<any>;
  beforeEach(async () => {
    provider = openUntyped({ url: await database.freshUrl() });
  });
  afterEach(() => provider.close());

  async function look(): Promise<string> {
    expect(describeVerification(await verifyMigrations(provider, sets))).to.deep.equal([]);
    return fingerprintSchema(await provider.migrations.readSchema(provider.db));
  }

  async function climb(): Promise<string[]> {
    const seen = [await look()];
    for (const set of sets) {
      const migrator = new Migrator(provider, set);
      while ((await migrator.up()).applied.length > 0) seen.push(await look());
    }
    return seen;
  }

  it('from nothing to the latest, down to nothing and up again, with every step as it was', async () => {
    const up = await climb();
    expect(up).to.have.lengthOf(1 + sets.reduce((sum, { migrations }) => sum + migrations.length, 0));
    expect(new Set(up).size).to.equal(up.length);
    const down = [up.at(-1)];
    for (const set of sets.toReversed()) {
      const migrator = new Migrator(provider, set);
      while ((await migrator.down()).applied.length > 0) down.push(await look());
    }
    expect(down).to.deep.equal(up.toReversed());
    expect(await climb()).to.deep.equal(up);
  });
});

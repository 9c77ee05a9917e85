import { expect } from 'chai';
import { auditMigrations } from '../../../../migrations/audit/index.ts';
import { chatMigrations } from '../../../../migrations/chat/index.ts';
import { healthMigrations } from '../../../../migrations/health/index.ts';
import { legacyMigrations } from '../../../../migrations/legacy/index.ts';
import { outboxMigrations } from '../../../../migrations/outbox/index.ts';
import { sagaMigrations } from '../../../../migrations/saga/index.ts';
import { tokenMigrations } from '../../../../migrations/token/index.ts';
import type { DatabaseProvider } from '../../../../src/core/index.ts';
import type { SchemaSnapshot } from '../../../../src/core/engine/schema-snapshot.ts';
import { Migrator } from '../../../../src/core/migrate/index.ts';
import { diffSchemas } from '../../../../src/core/migrate/schema/schema-diff.ts';
import { fingerprintSchema } from '../../../../src/core/migrate/schema/schema-fingerprint.ts';
import { describeOnEachDatabase } from '../../../support/database.ts';
import { isSoak } from '../../../support/engines.ts';
import { openUntyped } from '../sample-history.ts';

const sets = [
  auditMigrations,
  chatMigrations,
  outboxMigrations,
  sagaMigrations,
  tokenMigrations,
  healthMigrations,
  legacyMigrations,
];

describeOnEachDatabase('the way down equals the way up', (database) => {
  let provider: DatabaseProvider<any>;

  beforeEach(async () => {
    provider = openUntyped(await database.freshUrl());
  });
  afterEach(() => provider.close());

  const read = () => provider.migrations.readSchema(provider.db);

  function expectSame(actual: SchemaSnapshot, expected: SchemaSnapshot): void {
    expect(diffSchemas(expected, actual)).to.deep.equal([]);
    expect(fingerprintSchema(actual)).to.equal(fingerprintSchema(expected));
  }

  it('at every step of the sets of the package, and nothing is broken on the way', async function () {
    this.timeout(60_000);
    const migrators = sets.map((set) => ({ set, migrator: new Migrator(provider, set) }));
    const snapshots = [await read()];
    expect(snapshots[0]?.items).to.deep.equal([]);
    for (const { set, migrator } of migrators) {
      for (const { name } of set.migrations) {
        await migrator.up();
        const snapshot = await read();
        expect(diffSchemas(snapshots.at(-1) as SchemaSnapshot, snapshot), name).not.to.deep.equal([]);
        expect(await provider.migrations.findIntegrityFaults(provider.db)).to.deep.equal([]);
        snapshots.push(snapshot);
      }
    }
    const latest = snapshots.at(-1) as SchemaSnapshot;
    for (const { set, migrator } of migrators.toReversed()) {
      for (let left = set.migrations.length; left > 0; left -= 1) {
        snapshots.pop();
        await migrator.down();
        expectSame(await read(), snapshots.at(-1) as SchemaSnapshot);
      }
    }
    expect(snapshots).to.have.lengthOf(1);
    for (const { migrator } of migrators) await migrator.latest();
    expectSame(await read(), latest);
  });

  it('and two databases of one history are the same, whatever order their sets had', async () => {
    await using other = openUntyped(await database.freshUrl());
    for (const set of sets) await new Migrator(provider, set).latest();
    for (const set of sets.toReversed()) await new Migrator(other, set).latest();
    expectSame(await other.migrations.readSchema(other.db), await read());
  });

  it('within a transaction as outside of it', async () => {
    await new Migrator(provider, chatMigrations).latest();
    const outside = await read();
    const inside = await provider.db.transaction().execute((trx) => provider.migrations.readSchema(trx));
    const pinned = await provider.db
      .connection()
      .execute((connection) => provider.migrations.readSchema(connection));
    expectSame(inside, outside);
    expectSame(pinned, outside);
  });

  it('read in a moment', async () => {
    for (const set of sets) await new Migrator(provider, set).latest();
    const times: number[] = [];
    for (let run = 0; run < 20; run += 1) {
      const start = performance.now();
      await read();
      times.push(performance.now() - start);
    }
    const median = times.toSorted((a, b) => a - b)[10] as number;
    console.log(`figure: the schema of all sets is read in ${median.toFixed(1)} ms [${database.name}]`);
    if (isSoak) expect(median).to.be.lessThan(200);
  });
});

import { expect } from 'chai';
import {
  systemClock,
  MigrationError,
  ValidationError,
  type DatabaseProvider,
} from '../../../src/core/index.ts';
import { Migrator, type MigrationStep } from '../../../src/core/migrate/index.ts';
import { chatMigrations } from '../../../migrations/chat/index.ts';
import { healthMigrations } from '../../../migrations/health/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { listTables, notes, notesWith, openUntyped } from './sample-history.ts';

const names = notes.migrations.map(({ name }) => name);
const ledger = ['notes_migration', 'notes_migration_lock'];

describeOnEachDatabase('migrations go up and down', (database) => {
  let provider: DatabaseProvider<any>;
  let migrator: Migrator;

  beforeEach(async () => {
    // One connection: whoever used the root handle inside of a run would wait for it in vain.
    provider = openUntyped({ url: await database.freshUrl(), pool: { max: 1, acquireTimeout: 1000 } });
    migrator = new Migrator(provider, notes);
  });

  afterEach(() => provider.close());

  async function appliedNames(): Promise<string[]> {
    const status = await migrator.status();
    expect(status.map(({ name }) => name)).to.deep.equal(names);
    return status.filter(({ appliedAt }) => appliedAt !== undefined).map(({ name }) => name);
  }

  it('all the way by latest, then there is nothing to do', async () => {
    const report = await migrator.latest();
    expect(report.set).to.equal('notes');
    expect(report.current).to.equal('0003-labels');
    expect(report.applied.map(({ name, direction }) => [name, direction])).to.deep.equal(
      names.map((name) => [name, 'up']),
    );
    for (const { duration } of report.applied) expect(duration).to.be.greaterThan(0);
    expect(await listTables(provider.db)).to.deep.equal(['labels', 'notes', ...ledger]);
    expect(await migrator.latest()).to.deep.equal({ set: 'notes', applied: [], current: '0003-labels' });
  });

  it('step by step, one by default', async () => {
    expect((await migrator.up()).current).to.equal('0001-notes');
    expect((await migrator.up(2)).current).to.equal('0003-labels');
    expect((await migrator.down()).current).to.equal('0002-first-note');
    const report = await migrator.down(5);
    expect(report.current).to.equal(null);
    expect(report.applied.map(({ name, direction }) => [name, direction])).to.deep.equal([
      ['0002-first-note', 'down'],
      ['0001-notes', 'down'],
    ]);
  });

  it('to a name, from either side, and to nothing', async () => {
    await migrator.to('0002-first-note');
    expect(await appliedNames()).to.deep.equal(names.slice(0, 2));
    await migrator.to('0003-labels');
    expect(await appliedNames()).to.deep.equal(names);
    await migrator.to('0001-notes');
    expect(await appliedNames()).to.deep.equal(names.slice(0, 1));
    expect((await migrator.to('0001-notes')).applied).to.deep.equal([]);
    expect((await migrator.to(null)).current).to.equal(null);
    expect(await listTables(provider.db)).to.deep.equal(ledger);
  });

  it('to nothing and up again, for the sets of the package', async () => {
    const migrators = [chatMigrations, healthMigrations].map((set) => new Migrator(provider, set));
    for (const each of migrators) await each.latest();
    const before = await listTables(provider.db);
    for (const each of migrators.toReversed()) await each.to(null);
    expect(await listTables(provider.db)).to.deep.equal([
      'chat_migration',
      'chat_migration_lock',
      'health_migration',
      'health_migration_lock',
    ]);
    for (const each of migrators) await each.latest();
    expect(await listTables(provider.db)).to.deep.equal(before);
  });

  it('in the order of code units, whatever a locale makes of the names', async () => {
    const ran: string[] = [];
    const ordered = ['0001-B', '0001-a', '0001.z', '0001_b'].map((name) => ({
      name,
      up: async () => void ran.push(name),
      down: async () => void ran.push(name),
    }));
    const letters = new Migrator(provider, { name: 'letters', migrations: ordered });
    await letters.latest();
    expect(ran.splice(0)).to.deep.equal(ordered.map(({ name }) => name));
    // As of one moment, as a fast machine records them: then the names alone say the order.
    await provider.exec('update letters_migration set timestamp = ?', ['2026-01-01T00:00:00.000Z']);
    expect((await letters.status()).every(({ appliedAt }) => appliedAt !== undefined)).to.equal(true);
    await letters.to(null);
    expect(ran).to.deep.equal(ordered.map(({ name }) => name).toReversed());
  });

  it('each set with a record of its own', async () => {
    await migrator.latest();
    const other = new Migrator(provider, { name: 'more', migrations: [] });
    expect(await other.status()).to.deep.equal([]);
    expect(await other.latest()).to.deep.equal({ set: 'more', applied: [], current: null });
    expect(await appliedNames()).to.deep.equal(names);
  });

  it('and the status tells when, makes no table and writes nothing', async () => {
    expect(await appliedNames()).to.deep.equal([]);
    expect(await listTables(provider.db)).to.deep.equal([]);
    const before = Date.now();
    await migrator.up();
    const [applied, pending] = await migrator.status();
    expect(applied?.appliedAt).to.be.within(before, Date.now());
    expect(pending?.appliedAt).to.equal(undefined);
  });

  it('and who asked hears of each step behind its commit', async () => {
    const heard: MigrationStep[] = [];
    const report = await new Migrator(provider, notes, { onStep: (step) => heard.push(step) }).latest();
    expect(heard).to.deep.equal(report.applied);
  });

  it('a step as long as its clock says', async () => {
    let time = 0;
    const clock = { ...systemClock, monotonic: () => (time += 7) };
    const { applied } = await new Migrator(provider, notes, { clock }).up();
    expect(applied[0]?.duration).to.equal(7);
  });

  for (const steps of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '1']) {
    it(`but not by ${String(steps)} (${typeof steps}) steps`, async () => {
      expect(await rejectionOf(migrator.up(steps as number))).to.be.instanceOf(ValidationError);
      expect(await rejectionOf(migrator.down(steps as number))).to.be.instanceOf(ValidationError);
      expect(await listTables(provider.db)).to.deep.equal([]);
    });
  }

  it('but not to a name that is not there', async () => {
    expect(await rejectionOf(migrator.to('0009-nowhere'))).to.be.instanceOf(MigrationError);
    expect(await listTables(provider.db)).to.deep.equal([]);
  });

  it('but not with a set that breaks a rule', () => {
    expect(() => new Migrator(provider, notesWith(...notes.migrations.toReversed()))).to.throw(
      ValidationError,
    );
    expect(() => new Migrator(provider, notes, { lockTimeout: -1 })).to.throw(ValidationError);
  });
});

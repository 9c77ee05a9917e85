import { expect } from 'chai';
import {
  DatabaseBusyError,
  MigrationError,
  systemClock,
  type Clock,
  type DatabaseProvider,
} from '../../../src/core/index.ts';
import { Migrator, type NamedMigration } from '../../../src/core/migrate/index.ts';
import { startProgram } from '../../support/child-program.ts';
import { describeOnDatabase, type TestDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { first, notes, notesWith, openUntyped, second, third } from './sample-history.ts';

const program = new URL('./migrate-when-told.ts', import.meta.url);
const processes = 4;
const rounds = soakCount(100);

/** Where several handles see one database; in memory each has its own. */
function describeOnShared(title: string, body: (database: TestDatabase) => void): void {
  describeOnDatabase('sqlite-file', title, body);
  describeOnDatabase('postgres', title, body);
}

describeOnShared('processes that start at once', (database) => {
  const opened: DatabaseProvider<any>[] = [];

  function open(url: string, settings: object = {}): DatabaseProvider<any> {
    const provider = openUntyped({ url, ...settings });
    opened.push(provider);
    return provider;
  }

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((provider) => provider.close()));
  });

  /** Migrates as far as the middle of a migration, and stays there until it is released. */
  async function holdMigration(
    url: string,
    before: readonly NamedMigration[] = [],
    held = first,
  ): Promise<{ release(): Promise<void> }> {
    const reached = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const slow: NamedMigration = {
      ...held,
      async up(db, t) {
        await held.up(db, t);
        reached.resolve();
        await gate.promise;
      },
    };
    const run = new Migrator(open(url), notesWith(...before, slow)).latest();
    await Promise.race([reached.promise, run]);
    return {
      async release() {
        gate.resolve();
        expect((await run).applied).to.have.lengthOf(1);
      },
    };
  }

  it('migrate once, and all of them succeed', async function () {
    this.timeout(600_000);
    const starters = Array.from({ length: processes }, () => startProgram(program, []));
    await Promise.all(starters.map((starter) => starter.line(0)));
    for (let round = 1; round <= rounds; round += 1) {
      const url = await database.freshUrl();
      for (const starter of starters) starter.say(url);
      const said = await Promise.all(starters.map((starter) => starter.line(round)));
      const ran = said.map((line) => Number(/ran (\d+)/.exec(line)?.[1]));
      expect(ran.reduce((sum, count) => sum + count)).to.equal(3);
      const [row] = await open(url).query<{ n: number }>('select count(*) as n from rows_made');
      expect(row?.n).to.equal(20_000);
    }
    for (const starter of starters) starter.kill('SIGKILL');
    await Promise.all(starters.map(({ ended }) => ended));
  });

  it('and the one that waits too long says so', async () => {
    const url = await database.freshUrl();
    const holder = await holdMigration(url);
    const migrator = new Migrator(open(url, { lockTimeout: 20 }), notes, { lockTimeout: 50 });
    const error = await rejectionOf(migrator.latest());
    expect(error).to.be.instanceOf(MigrationError);
    expect((error as Error).cause).to.be.instanceOf(DatabaseBusyError);
    await holder.release();
    expect((await migrator.latest()).applied).to.have.lengthOf(2);
  });

  it('and the one that has nothing to do does not wait', async () => {
    const url = await database.freshUrl();
    const upToDate = [first, second];
    const migrator = new Migrator(open(url, { lockTimeout: 20 }), notesWith(...upToDate), { lockTimeout: 0 });
    await migrator.latest();
    const holder = await holdMigration(url, upToDate, third);
    expect((await migrator.latest()).applied).to.deep.equal([]);
    expect((await migrator.to('0002-first-note')).applied).to.deep.equal([]);
    await holder.release();
  });

  it('and a migration that outlasts the provider’s own wait for a lock is waited for', async () => {
    const url = await database.freshUrl();
    const holder = await holdMigration(url);
    let waits = 0;
    const released = Promise.withResolvers<void>();
    const clock: Clock = {
      ...systemClock,
      schedule(delay, callback) {
        waits += 1;
        if (waits === 3) released.resolve(holder.release());
        return systemClock.schedule(delay, callback);
      },
    };
    const migrator = new Migrator(open(url, { lockTimeout: 20 }), notes, { clock });
    expect((await migrator.latest()).applied.map(({ name }) => name)).to.deep.equal([
      '0002-first-note',
      '0003-labels',
    ]);
    await released.promise;
  });
});

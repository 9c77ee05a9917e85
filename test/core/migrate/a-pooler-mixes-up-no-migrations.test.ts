import { expect } from 'chai';
import { ConfigurationError, type DatabaseProvider } from '../../../src/core/index.ts';
import { Migrator, type NamedMigration } from '../../../src/core/migrate/index.ts';
import { startProgram } from '../../support/child-program.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { pgbouncer, startPooler, type Pooler } from '../../support/pgbouncer.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { reportNotRun } from '../../support/reporter.ts';
import { first, notes, notesWith, openUntyped } from './sample-history.ts';

const program = new URL('./migrate-when-told.ts', import.meta.url);

if (pgbouncer === undefined) {
  reportNotRun('migrations behind a pooler', 'no pgbouncer on PATH; apt-get install pgbouncer brings it');
} else {
  describeOnDatabase('postgres', 'a pooler in transaction mode mixes up no migrations', (database) => {
    let url: string;
    let pooler: Pooler;
    let provider: DatabaseProvider<any>;

    beforeEach(async () => {
      url = await database.freshUrl();
      pooler = await startPooler(url);
      provider = openUntyped(pooler.urlOf(url));
    });
    afterEach(async () => {
      await provider.close();
      await pooler.stop();
    });

    it('which run as ever', async () => {
      const migrator = new Migrator(provider, notes);
      expect((await migrator.latest()).current).to.equal('0003-labels');
      expect((await migrator.verify()).isSound).to.equal(true);
      await migrator.to(null);
    });

    it('and leave no lock on a session of somebody else', async () => {
      await new Migrator(provider, notes).latest();
      await using direct = openUntyped(url);
      expect(await direct.query(`select 1 from pg_locks where locktype = 'advisory'`)).to.deep.equal([]);
    });

    it('where some start through it and some at the server, and one of them migrates', async function () {
      this.timeout(60_000);
      const starters = Array.from({ length: 4 }, () => startProgram(program, []));
      await Promise.all(starters.map((starter) => starter.line(0)));
      for (let round = 1; round <= 5; round += 1) {
        const fresh = await database.freshUrl();
        starters.forEach((starter, index) => starter.say(index % 2 === 0 ? fresh : pooler.urlOf(fresh)));
        const said = await Promise.all(starters.map((starter) => starter.line(round)));
        expect(said.map((line) => Number(/ran (\d+)/.exec(line)?.[1])).reduce((sum, n) => sum + n)).to.equal(
          3,
        );
        await using direct = openUntyped(fresh);
        expect(await direct.query('select count(*) as n from rows_made')).to.deep.equal([{ n: 20_000 }]);
      }
      for (const starter of starters) starter.kill('SIGKILL');
      await Promise.all(starters.map(({ ended }) => ended));
    });

    it('but one without a transaction is refused, before it runs', async () => {
      const alone: NamedMigration = {
        name: '0002-alone',
        transaction: false,
        up: (db) => db.schema.createTable('alone').addColumn('id', 'integer').execute(),
        irreversible: 'It is a test.',
      };
      const error = await rejectionOf(new Migrator(provider, notesWith(first, alone)).latest());
      expect((error as Error).cause).to.be.instanceOf(ConfigurationError);
      expect(String((error as Error).cause)).to.include('pooler');
      const status = await new Migrator(provider, notesWith(first, alone)).status();
      expect(status.map(({ appliedAt }) => appliedAt !== undefined)).to.deep.equal([true, false]);
      await using direct = openUntyped(url);
      expect((await new Migrator(direct, notesWith(first, alone)).latest()).current).to.equal('0002-alone');
    });
  });
}

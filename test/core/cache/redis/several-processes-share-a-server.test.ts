import { expect } from 'chai';
import { postgresBus } from '../../../../src/core/cache/index.ts';
import { Migrator } from '../../../../src/core/migrate/index.ts';
import { OutboxRelay, outboxMigrations } from '../../../../src/core/outbox/index.ts';
import { startProgram } from '../../../support/child-program.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { isSoak, soakCount } from '../../../support/engines.ts';
import { clearPrefix, freshPrefix, hasSharedRedis, sharedRedisUrl } from '../../../support/redis-server.ts';
import { until } from '../../../support/until.ts';
import { makePerson, openCached } from '../cached-fixture.ts';
import { rowOf, type StressReport } from '../stress-process.ts';
import { listening, openShared, settled, type SharedOptions } from './redis-fixture.ts';

const program = new URL('./shared-program.ts', import.meta.url);

for (const name of hasSharedRedis('several processes share a server')
  ? (['sqlite-file', 'postgres'] as const)
  : []) {
  describeOnDatabase(name, 'several processes share a server', (database) => {
    let url: string;
    let prefix: string;

    beforeEach(async () => {
      url = await database.freshUrl();
      prefix = freshPrefix();
      const opened = await openCached(url);
      await opened.people.insertMany(
        [0, 1].map((process) => makePerson({ id: rowOf(process), email: `${rowOf(process)}@x` })),
      );
      await new Migrator(opened.provider, outboxMigrations).latest();
      await opened.close();
    });

    afterEach(() => clearPrefix(prefix));

    const start = (work: string, ...rest: string[]) =>
      startProgram(program, [work, url, sharedRedisUrl, prefix, ...rest]);
    const open = async (options: Partial<SharedOptions> = {}) => {
      const opened = await openShared(url, sharedRedisUrl, { prefix, isNew: false, ...options });
      await listening(opened);
      return opened;
    };

    it('and none reads what is older than a commit it knows of', async function () {
      this.timeout(600_000);
      const count = soakCount(50_000) / (isSoak ? 1 : 2);
      const processes = [0, 1].map((own) => start('check', `${own}`, `${1 - own}`, `${count}`));
      const reports = await Promise.all(
        processes.map(async (each) => JSON.parse(await each.line(0)) as StressReport),
      );
      for (const { violations, hits, reads } of reports) {
        expect(violations).to.deep.equal([]);
        expect(reads).to.be.at.least(count);
        expect(hits).to.be.greaterThan(count / 10);
      }
      const lags = reports.flatMap((report) => report.lags).toSorted((one, next) => one - next);
      const p99 = lags[Math.floor(lags.length * 0.99)]!;
      console.log(`      the other process is behind by ${p99.toFixed(1)} ms at the 99th percentile`);
      if (isSoak) expect(p99).to.be.at.most(100);
      await Promise.all(processes.map((each) => each.ended));
    });

    it('and make one load for a thousand callers in each of two', async function () {
      this.timeout(60_000);
      const processes = [start('stampede'), start('stampede')];
      for (const each of processes) await each.line(0);
      for (const each of processes) each.say('go');
      const reports = await Promise.all(
        processes.map(async (each) => JSON.parse(await each.line(1)) as { loads: number; answers: number }),
      );
      expect(reports.map(({ answers }) => answers)).to.deep.equal([1_000, 1_000]);
      expect(reports[0]!.loads + reports[1]!.loads).to.equal(1);
      await Promise.all(processes.map((each) => each.ended));
    });

    it('a kill between a commit and what it tells is healed by the outbox', async function () {
      this.timeout(60_000);
      const one = await open();
      const two = await open({ isTiered: false });
      await one.people.getById(rowOf(0));
      await settled(one.redis);
      const writer = start('die');
      expect((await writer.ended).signal).to.equal('SIGKILL');
      const written = await one.plainPeople.getById(rowOf(0));
      expect(written.name).to.equal('written by the dead');
      expect((await one.people.getById(rowOf(0))).name, 'nobody has told').to.not.equal(written.name);
      await using relay = new OutboxRelay<{ 'cache.moved': { slots: number[] } }>(one.provider, {
        deliver: ({ payload }) => one.cache.apply(payload.slots),
      });
      await relay.runOnce();
      expect(await one.people.getById(rowOf(0))).to.deep.equal(written);
      expect(await two.people.getById(rowOf(0))).to.deep.equal(written);
      await one.close();
      await two.close();
    });

    if (name === 'sqlite-file') return;

    it('or by the bus of the database, whose listeners tell the server', async function () {
      this.timeout(60_000);
      const bus: SharedOptions['bus'] = (provider) => postgresBus(provider);
      const one = await open({ bus });
      const two = await open({ isTiered: false, bus });
      await one.people.getById(rowOf(0));
      await settled(one.redis);
      const writer = start('die-on-bus');
      expect((await writer.ended).signal).to.equal('SIGKILL');
      const written = await one.plainPeople.getById(rowOf(0));
      expect(written.name).to.equal('written by the dead');
      for (const { people } of [one, two]) {
        await until(async () => (await people.getById(rowOf(0))).version === written.version);
      }
      await one.close();
      await two.close();
    });
  });
}

import { expect } from 'chai';
import { setTimeout as wait } from 'node:timers/promises';
import { UnitOfWork, type DatabaseProvider } from '../../../src/core/index.ts';
import { AuditLog } from '../../../src/core/audit/index.ts';
import { startProgram } from '../../support/child-program.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import { pickSeed, seededRandom } from '../../support/seeded-random.ts';
import { auditKeys, openAuditDatabase } from './audit-fixture.ts';
import { findUnmatched, openNotes, writeUnits, type NotedTables } from './writers.ts';

const keys = auditKeys();

async function expectOneChain(provider: DatabaseProvider<NotedTables>, rows: number): Promise<void> {
  const report = await new AuditLog(provider, { keys }).verify();
  expect(report.streams.map(({ stream, fault, lastSeq }) => ({ stream, fault, lastSeq }))).to.deep.equal([
    { stream: 'entity:note', fault: undefined, lastSeq: rows },
  ]);
  expect(await findUnmatched(provider)).to.deep.equal({ untold: [], unchanged: [], twice: 0 });
}

describeOnEachDatabase('writers make no fork', (database) => {
  for (const isolation of ['read committed', 'repeatable read', undefined] as const) {
    it(`32 at a time in one chain, ${isolation ?? 'at the isolation that units of work have'}, and none of them fails`, async function () {
      this.timeout(120_000);
      await using provider = await openNotes(await database.freshUrl());
      const log = new AuditLog(provider, { keys });
      const unitOfWork = new UnitOfWork(provider, { defaults: { retry: false, isolation } });
      await Promise.all(
        Array.from({ length: 32 }, (_, at) => writeUnits({ unitOfWork, log, name: `${at}`, units: 10 })),
      );
      await expectOneChain(provider, 320);
    });
  }

  it('nor do units that write to several chains, each in another order', async function () {
    this.timeout(120_000);
    await using provider = await openAuditDatabase(await database.freshUrl());
    const log = new AuditLog(provider, { keys });
    const unitOfWork = new UnitOfWork(provider, { defaults: { retry: false } });
    const types = ['a', 'b', 'c', 'd', 'e'];
    await Promise.all(
      Array.from({ length: 60 }, (_, at) =>
        unitOfWork.run(async ({ db }) => {
          const order = [...types.slice(at % 5), ...types.slice(0, at % 5)];
          for (const type of at % 2 === 0 ? order : order.toReversed()) {
            await log.record(db, { action: 'create', entity: { type, id: `${at}` } });
          }
        }),
      ),
    );
    const { isSound, streams } = await log.verify();
    expect(isSound).to.equal(true);
    expect(streams.map(({ lastSeq }) => lastSeq)).to.deep.equal([60, 60, 60, 60, 60]);
  });

  it('nor do those whose transactions are Kysely’s own, with several events each', async function () {
    this.timeout(120_000);
    await using provider = await openAuditDatabase(await database.freshUrl());
    const log = new AuditLog(provider, { keys });
    await Promise.all(
      Array.from({ length: 16 }, (_, at) =>
        provider.db.transaction().execute(async (tx) => {
          await log.record(tx, { action: 'create', entity: { type: 'a', id: `${at}` } });
          await log.record(tx, { action: 'update', entity: { type: 'a', id: `${at}` } });
        }),
      ),
    );
    const { isSound, rows } = await log.verify();
    expect({ isSound, rows }).to.deep.equal({ isSound: true, rows: 32 });
  });
});

const program = new URL('writing-program.ts', import.meta.url);

for (const name of ['sqlite-file', 'postgres'] as const) {
  describeOnDatabase(name, 'writers of several processes', (database) => {
    it('make no fork either, and none of their units fails', async function () {
      this.timeout(240_000);
      const url = await database.freshUrl();
      await using provider = await openNotes(url);
      const writers = Array.from({ length: 4 }, (_, at) => startProgram(program, [url, '8', '10', `p${at}`]));
      const ends = await Promise.all(writers.map((writer) => writer.ended));
      expect(ends.map(({ code, stderr }) => ({ code, stderr }))).to.deep.equal(
        writers.map(() => ({ code: 0, stderr: '' })),
      );
      await expectOneChain(provider, 320);
    });

    it('leave no event without its change, nor a change without its event, where they are killed', async function () {
      this.timeout(600_000);
      const url = await database.freshUrl();
      await using provider = await openNotes(url);
      const kills = soakCount(200) / 2;
      const random = seededRandom(pickSeed());
      for (let kill = 0; kill < kills; kill += 1) {
        const writer = startProgram(program, [url, '4', '100000', `k${kill}`]);
        // Somewhere within a unit of one of its writers.
        await writer.line(Math.floor(random() * 20));
        await wait(random() * 5);
        writer.kill('SIGKILL');
        await writer.ended;
      }
      const { isSound, rows } = await new AuditLog(provider, { keys }).verify();
      expect(isSound).to.equal(true);
      expect(await findUnmatched(provider)).to.deep.equal({ untold: [], unchanged: [], twice: 0 });
      console.log(`  ${kills} kills, ${rows} events, each with its change [${name}]`);
    });
  });
}

import { expect } from 'chai';
import { diskCheck, logCheck } from '../../../src/core/health/checks/storage-checks.ts';
import { replicasCheck } from '../../../src/core/health/checks/replicas-check.ts';
import type { EngineGauges } from '../../../src/core/index.ts';
import type { CheckFinding, HealthCheck } from '../../../src/core/health/index.ts';
import { judgeMost } from '../../../src/core/health/budget.ts';

const run = async (check: HealthCheck): Promise<CheckFinding> =>
  (await check.run(new AbortController().signal)) as CheckFinding;
const gaugesOf = (gauges: EngineGauges) => () => Promise.resolve(gauges);
const gibibyte = 1024 ** 3;

describe('figures are held against budgets', () => {
  it('of a disk that fills up', async () => {
    const budget = { degraded: 2 * gibibyte, unhealthy: gibibyte };
    const asked: string[] = [];
    const found = [];
    for (const free of [3, 2, 1.5, 1, 0.5, 0, Number.NaN]) {
      const read = (folder: string) => {
        asked.push(folder);
        return Promise.resolve({ bavail: (free * gibibyte) / 4_096, bsize: 4_096 });
      };
      found.push((await run(diskCheck('/data/app.db', budget, read))).status);
    }
    const [well, less, little] = ['healthy', 'degraded', 'unhealthy'];
    expect(found).to.deep.equal([well, well, less, less, little, little, little]);
    expect(new Set(asked)).to.deep.equal(new Set(['/data']));
  });

  it('of a disk, without its path in what everybody may read', async () => {
    const read = () => Promise.resolve({ bavail: 1, bsize: 1536 });
    const { message, detail } = await run(diskCheck('/data/app.db', {}, read));
    expect(message).to.equal('1.5 KiB are free where the database lies.');
    expect(detail).to.include('/data');
  });

  it('of the disk that a folder will be made on', async () => {
    const read = (folder: string) =>
      folder === '/'
        ? Promise.resolve({ bavail: 1, bsize: 1 })
        : Promise.reject(Object.assign(new Error('no'), { code: 'ENOENT' }));
    expect((await run(diskCheck('/data/deep/app.db', {}, read))).value).to.equal(1);
  });

  it('of a write-ahead log that nobody can empty', async () => {
    const wal = { bytes: 300, checkpoints: 0, checkpointTime: 0, failedCheckpoints: 0 };
    const { value, budget } = await run(logCheck(gaugesOf({ wal }), { degraded: 200 }));
    expect(judgeMost(value!, budget!)).to.equal('degraded');
    expect((await run(logCheck(gaugesOf({}), {}))).value).to.equal(0);
  });

  it('of replicas that fall behind or do not answer', async () => {
    const replica = (lag: number) => ({ number: 1, isAnswering: true, lag });
    const statuses = [];
    for (const replicas of [
      [replica(5), replica(10)],
      [replica(5), replica(11)],
      [replica(5), { number: 2, isAnswering: false }],
      [replica(21), replica(5)],
    ]) {
      const check = replicasCheck(gaugesOf({ replicas }), { degraded: 10, unhealthy: 20 });
      statuses.push((await run(check)).status);
    }
    expect(statuses).to.deep.equal(['healthy', 'degraded', 'degraded', 'unhealthy']);
  });

  it('and replicas that there are none of are asked for once', async () => {
    let asked = 0;
    const check = replicasCheck(() => {
      asked += 1;
      // The first time nothing could be read.
      const sessions = { active: 0, idle: 1, idleInTransaction: 0, idleInFailedTransaction: 0 };
      return Promise.resolve(asked === 1 ? {} : { sessions });
    }, {});
    expect((await run(check)).message).not.to.equal('There are no replicas.');
    await run(check);
    expect((await run(check)).message).to.equal('There are no replicas.');
    expect(asked).to.equal(2);
  });
});

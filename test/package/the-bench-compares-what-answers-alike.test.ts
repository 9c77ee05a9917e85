import { expect } from 'chai';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { contendersOfTheHouse, openContender } from '../../bench/contender-list.ts';
import type { ContenderOptions } from '../../bench/contender.ts';
import type { ChatScale } from '../../bench/workload/chat-data.ts';
import { ChatState } from '../../bench/workload/chat-state.ts';
import { collectAnswers, requireSameAnswers } from '../../bench/workload/check-answers.ts';
import { fillPostgresDatabase } from '../../bench/workload/postgres-template.ts';
import { makeSqliteTemplate } from '../../bench/workload/sqlite-template.ts';
import type { EngineReport } from '../../bench/report/report.ts';
import { judge } from '../../bench/report/targets.ts';
import { describeOnDatabase } from '../support/database.ts';
import { makeTempDirectory } from '../support/temp-directory.ts';

/** Small, and every filter and page is still full. */
const scale: ChatScale = { users: 2, threads: 500 };

describeOnDatabase('sqlite-file', 'the bench compares what answers alike', () => {
  let template: string;

  before(async () => {
    template = join(makeTempDirectory('bench'), 'template.db');
    await makeSqliteTemplate(template, scale);
  });

  const copy = async (): Promise<ContenderOptions> => {
    const filename = join(makeTempDirectory('bench'), 'copy.db');
    copyFileSync(template, filename);
    return { engine: 'sqlite', filename, durability: 'normal' };
  };

  it('every contender of the house gives the answers of the raw driver', () => checkAll(copy)).timeout(
    60_000,
  );

  it('finds out a contender that answers otherwise', async () => {
    const raw = await openContender('raw', await copy());
    const expected = await collectAnswers(raw, new ChatState(scale));
    await raw.close();
    const hasty = await openContender('raw', await copy());
    const lossy = { ...hasty, insertMessage: () => Promise.resolve() };
    const actual = await collectAnswers(lossy, new ChatState(scale));
    await hasty.close();
    const check = () =>
      requireSameAnswers(
        new Map([
          ['raw', expected],
          ['lossy', actual],
        ]),
      );
    expect(check).to.throw(/answer differently.*\nlossy: inserted: null/);
  });
});

describeOnDatabase('postgres', 'the bench compares what answers alike', (database) => {
  it('every contender of the house gives the answers of the raw driver', () =>
    checkAll(async () => {
      const url = await database.freshUrl();
      await fillPostgresDatabase(url, scale);
      return { engine: 'postgres', url };
    })).timeout(60_000);
});

describe('the bench judges its targets', () => {
  const spread = (median: number) => ({ median, low: median * 0.9, high: median * 1.1 });
  const judgeKey = (ratio: number): string | undefined => {
    const measurements = [
      { contender: 'noise', ratio: spread(1), time: spread(10) },
      { contender: 'liminal-prepared', ratio: spread(ratio), time: spread(10) },
    ] as const;
    const tasks = [{ task: 'key', title: 'one row by key', raw: spread(10), measurements }];
    const suites = [{ durability: 'normal', tasks }] as const;
    const report: EngineReport = { engine: 'sqlite', description: '', suites, memory: [], coldStart: [] };
    const verdicts = judge(report);
    expect(verdicts, 'what was not measured has no verdict').to.have.lengthOf(1);
    return verdicts[0]?.result;
  };

  it('as met, within the noise of the raw driver beside itself, or missed', () => {
    expect([1.15, 1.2, 1.3].map(judgeKey)).to.deep.equal(['met', 'within noise', 'missed']);
  });
});

async function checkAll(copy: () => Promise<ContenderOptions>): Promise<void> {
  const answers = new Map<string, readonly string[]>();
  for (const name of contendersOfTheHouse) {
    const contender = await openContender(name, await copy());
    try {
      answers.set(name, await collectAnswers(contender, new ChatState(scale)));
    } finally {
      await contender.close();
    }
  }
  requireSameAnswers(answers);
  expect(answers.get('raw')).to.have.length.above(70);
}

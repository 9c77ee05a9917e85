import { expect } from 'chai';
import { rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { CopyReport } from '../../../src/core/copy/index.ts';
import { startProgram } from '../../support/child-program.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { isSoak } from '../../support/engines.ts';
import { integerBetween, pickSeed, seededRandom } from '../../support/seeded-random.ts';
import { chinookMigrations, fillChinook } from './chinook.ts';
import { contentOf } from './content-of.ts';
import { useMigrated, type Provider } from './copy-scene.ts';
import type { CopyingPlan } from './copying-program.ts';

const program = new URL('copying-program.ts', import.meta.url);
const kills = isSoak ? 40 : 4;

type Said = CopyReport & { readonly heard: number };

for (const [one, other] of [
  ['sqlite-file', 'postgres'],
  ['postgres', 'sqlite-file'],
] as const) {
  describeOnDatabase(one, 'a copy that is killed again and again', (from) => {
    describeOnDatabase(other, 'on its way into', (to) => {
      const migrated = useMigrated([chinookMigrations]);

      it('ends with what its source holds, and leaves nothing lying about', async function () {
        this.timeout(1_800_000);
        const seed = pickSeed();
        const random = seededRandom(seed);
        const [source, target] = [await from.freshUrl(), await to.freshUrl()];
        const provider = await migrated(source);
        await fillChinook(provider, seed);
        const plan = { from: source, to: target };
        const report = await finish(plan, await migrated(target), random, kills);
        expect(report.heard, `seed ${seed}`).to.be.greaterThan(0);
        const copy = await migrated(target);
        expect(await contentOf(copy), `seed ${seed}`).to.deep.equal(await contentOf(provider));
        const orphan = await copy
          .exec('update albums set artist_id = 99999')
          .catch((error: unknown) => error);
        expect(orphan).to.have.property('code', 'LIMINAL_FOREIGN_KEY_VIOLATION');
        if (one === 'sqlite-file') {
          const folder = dirname(source.replace(/^sqlite:/, ''));
          expect((await readdir(folder)).filter((name) => name.includes('.copy-'))).to.deep.equal([]);
        }
      });
    });
  });
}

/** Kills it at a hearing of progress, or a moment behind its start, whichever the dice say. */
async function finish(
  plan: Pick<CopyingPlan, 'from' | 'to'>,
  target: Provider,
  random: () => number,
  times: number,
): Promise<Said> {
  await target.close();
  const start = (more: Partial<CopyingPlan>) =>
    startProgram(program, [JSON.stringify({ ...plan, resume: true, ...more })]);
  for (let kill = 0; kill < times; kill += 1) {
    const isExact = random() < 0.7;
    const child = start(isExact ? { killAt: integerBetween(random, 1, 40) } : {});
    if (!isExact) {
      await Promise.race([child.line(0), child.ended]);
      await wait(random() * 300);
      child.kill('SIGKILL');
    }
    const { code, stderr } = await child.ended;
    // It may have been done before it was killed; then the target is full, and another one has nothing to go on with.
    if (code === 0) return JSON.parse(child.lines.at(-1)!) as Said;
    if (code !== null) throw new Error(stderr);
  }
  const last = start({});
  const { code, stderr } = await last.ended;
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(last.lines.at(-1)!) as Said;
}

describeOnDatabase('sqlite-file', 'a copy whose snapshot is gone', (from) => {
  describeOnDatabase('postgres', 'on its way into', (to) => {
    const migrated = useMigrated([chinookMigrations]);

    it('keeps the tables that are as in the new snapshot, and copies the others anew', async () => {
      const [source, target] = [await from.freshUrl(), await to.freshUrl()];
      const provider = await migrated(source);
      await fillChinook(provider, 21);
      await migrated(target);
      // Each portion is told: behind the eighth of them some tables are whole.
      const child = startProgram(program, [
        JSON.stringify({ from: source, to: target, resume: false, killAt: 10 }),
      ]);
      expect((await child.ended).signal).to.equal('SIGKILL');
      const file = source.replace(/^sqlite:/, '');
      for (const name of await readdir(dirname(file)))
        if (name.includes('.copy-')) rmSync(`${dirname(file)}/${name}`);
      await provider.exec(`update artists set name = 'changed' where artist_id = 1`);
      const again = startProgram(program, [JSON.stringify({ from: source, to: target, resume: true })]);
      const { code, stderr } = await again.ended;
      expect(code, stderr).to.equal(0);
      const report = JSON.parse(again.lines.at(-1)!) as Said;
      expect(report.copiedAnew).to.include('artists').and.to.have.length.below(6);
      expect(report.changed).to.deep.equal([]);
      expect(await contentOf(await migrated(target))).to.deep.equal(await contentOf(provider));
    });
  });
});

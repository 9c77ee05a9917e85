import { expect } from 'chai';
import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { join } from 'node:path';
import { startProgram } from '../../../../support/child-program.ts';
import { describeOnDatabase } from '../../../../support/database.ts';
import { soakCount } from '../../../../support/engines.ts';
import { seededRandom } from '../../../../support/seeded-random.ts';
import { makeTempDirectory } from '../../../../support/temp-directory.ts';
import { copyDatabaseFiles, readSample, writeCrashed, writeSample, type Contents } from './sample-files.ts';

const program = new URL('copying-program.ts', import.meta.url);
const kills = soakCount(200);
const oldRows = 4_000;
const newRows = 6_000;

/** Lets the program run to its end once, and tells how long that takes from `begin` on and how many halves it has. */
async function measure(args: readonly string[]): Promise<{ halves: number; time: number }> {
  const child = startProgram(program, [...args, '0']);
  await child.line(0);
  const start = performance.now();
  const end = await child.line(1);
  const time = performance.now() - start;
  await child.ended;
  return { halves: Number(end.split(' ')[1]), time };
}

/**
 * Kills the program: half of the times at one of its calls of the file system, each in its turn, and half of the
 * times at any moment.
 */
async function killAt(
  number: number,
  args: readonly string[],
  { halves, time }: { halves: number; time: number },
  random: () => number,
): Promise<void> {
  if (number % 2 === 0) {
    const place = 1 + (Math.round((number / kills) * halves) % halves);
    await startProgram(program, [...args, String(place)]).ended;
    return;
  }
  const child = startProgram(program, [...args, '0']);
  await child.line(0);
  await wait(random() * time);
  child.kill('SIGKILL');
  await child.ended;
}

function tell(verb: string, seen: ReadonlyMap<string, number>): void {
  console.log(`  ${kills} kills of a ${verb}: ${[...seen].map(([what, n]) => `${n} ${what}`).join(', ')}`);
}

describeOnDatabase('sqlite-file', 'a copy that is killed', () => {
  it('leaves the old database or the new one, where it was a restore', async function () {
    this.timeout(10_000 + kills * 4_000);
    const random = seededRandom(5);
    const crashed = writeCrashed('old', oldRows);
    const backup = join(makeTempDirectory('backup'), 'new.db');
    writeSample(backup, 'new', newRows);
    const place = () => {
      const path = join(makeTempDirectory('restore'), 'app.db');
      copyDatabaseFiles(crashed, path);
      return path;
    };
    const usual = await measure(['restore', place(), backup]);
    const whole: readonly Contents[] = [
      { label: 'old', rows: oldRows, check: 'ok' },
      { label: 'new', rows: newRows, check: 'ok' },
    ];
    const seen = new Map<string, number>();
    for (let number = 0; number < kills; number += 1) {
      const database = place();
      await killAt(number, ['restore', database, backup], usual, random);
      const found = readSample(database);
      expect(whole, `kill ${number}`).to.deep.include(found);
      seen.set(found.label, (seen.get(found.label) ?? 0) + 1);
    }
    tell('restore', seen);
    expect([...seen.keys()]).to.have.members(['old', 'new']);
  });

  it('leaves the backup before or the new one under the name, where it was a backup', async function () {
    this.timeout(10_000 + kills * 4_000);
    const random = seededRandom(6);
    const database = join(makeTempDirectory('database'), 'app.db');
    writeSample(database, 'new', newRows);
    const usual = await measure(['backup', database, join(makeTempDirectory('backup'), 'a.db')]);
    const seen = new Map<string, number>();
    for (let number = 0; number < kills; number += 1) {
      const file = join(makeTempDirectory('backup'), 'a.db');
      if (number % 3 > 0) writeSample(file, 'old', 10);
      await killAt(number, ['backup', database, file], usual, random);
      const found = existsSync(file) ? readSample(file) : undefined;
      if (found === undefined) expect(number % 3, `kill ${number}`).to.equal(0);
      else expect(found).to.deep.equal({ ...found, rows: found.label === 'old' ? 10 : newRows, check: 'ok' });
      const what = found?.label ?? 'none';
      seen.set(what, (seen.get(what) ?? 0) + 1);
    }
    tell('backup', seen);
    expect([...seen.keys()]).to.include.members(['old', 'new']);
    expect(readSample(database)).to.deep.equal({ label: 'new', rows: newRows, check: 'ok' });
  });
});

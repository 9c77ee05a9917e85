import { expect } from 'chai';
import { rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { checkLedger, noFaults } from '../../../../support/ack-ledger.ts';
import { startProgram } from '../../../../support/child-program.ts';
import { describeOnDatabase } from '../../../../support/database.ts';
import { soakCount } from '../../../../support/engines.ts';
import { reportNotRun } from '../../../../support/reporter.ts';
import { integerBetween, pickSeed, seededRandom, type Random } from '../../../../support/seeded-random.ts';
import { makeTempDirectory } from '../../../../support/temp-directory.ts';
import { openLedger } from './open-ledger.ts';
import { DiskModel, type PowerLoss } from './power-loss/disk-model.ts';
import {
  buildWriteLog,
  findLogObstacle,
  logWritesTo,
  readWriteLog,
  type WriteRecord,
} from './power-loss/write-log.ts';
import type { WritingPlan } from './writing-program.ts';

const program = new URL('writing-program.ts', import.meta.url);
const images = soakCount(1_000);
const losses: readonly PowerLoss[] = ['dropped', 'subset', 'torn'];

interface Recording {
  readonly folder: string;
  readonly records: readonly WriteRecord[];
}

/** Runs a program that makes a database and 480 operations in it, and logs what it hands to the system. */
async function record(durability: 'full' | 'normal', library: string): Promise<Recording> {
  const folder = makeTempDirectory('power');
  const log = `${folder}.log`;
  const plan: WritingPlan = {
    filename: join(folder, 'ledger.db'),
    durability,
    writers: 4,
    operations: 120,
    ackFile: join(folder, 'acks'),
  };
  const env = logWritesTo(log, folder, library);
  const end = await startProgram(program, [JSON.stringify(plan)], { env }).ended;
  expect(end).to.deep.equal({ code: 0, signal: null, stderr: '' });
  return { folder, records: readWriteLog(log) };
}

interface Image {
  readonly cut: number;
  readonly loss: PowerLoss;
  readonly files: ReadonlyMap<string, Buffer>;
  readonly acknowledged: readonly string[];
}

/** What the disk may hold after a loss of power at random moments of a recording. */
function* cutPower({ folder, records }: Recording, random: Random): Generator<Image> {
  const cuts = Array.from({ length: images }, () => integerBetween(random, 1, records.length + 1));
  const disk = new DiskModel(folder);
  const acks: Buffer[] = [];
  let done = 0;
  for (const [index, cut] of cuts.sort((a, b) => a - b).entries()) {
    for (const each of records.slice(done, cut)) {
      if (each.path === join(folder, 'acks')) acks.push(...(each.kind === 'write' ? [each.data] : []));
      else disk.apply(each);
    }
    done = cut;
    const loss = losses[index % losses.length] ?? 'dropped';
    const acknowledged = Buffer.concat(acks).toString().split('\n').slice(0, -1);
    yield { cut, loss, files: disk.losePower(loss, random), acknowledged };
  }
}

/** Opens an image with the library, and says which acknowledged operations it has lost. */
async function judge(
  { files, acknowledged, ...image }: Image,
  durability: string,
): Promise<readonly string[]> {
  const folder = makeTempDirectory('image');
  for (const [path, content] of files) {
    // The index of the log lives in memory and is made anew by whoever opens the database first.
    if (!path.endsWith('-shm')) writeFileSync(join(folder, basename(path)), content);
  }
  await using provider = openLedger(join(folder, 'ledger.db'), { durability });
  const [tables] = await provider.query<{ n: number }>(
    "select count(*) as n from sqlite_schema where name = 'parts'",
  );
  const [created, ...operations] = acknowledged;
  if (tables?.n === 0) {
    expect(await provider.query('pragma integrity_check')).to.deep.equal([{ integrity_check: 'ok' }]);
    await provider.close();
    rmSync(folder, { recursive: true });
    return created === undefined ? [] : [created, ...operations];
  }
  const { lost, ...rest } = await checkLedger(provider, operations);
  expect({ ...rest, lost: [] }, JSON.stringify(image)).to.deep.equal(noFaults);
  await provider.close();
  rmSync(folder, { recursive: true });
  return lost;
}

/** Judges many images of a recording: how many acknowledged operations each has lost. */
async function countLosses(recording: Recording, durability: string, random: Random): Promise<number[]> {
  const lost: number[] = [];
  for (const image of cutPower(recording, random)) lost.push((await judge(image, durability)).length);
  return lost;
}

describeOnDatabase('sqlite-file', 'a loss of power', () => {
  const obstacle = findLogObstacle();
  if (obstacle !== undefined) {
    reportNotRun('power loss', obstacle);
    return;
  }
  const seed = pickSeed();
  let full: Recording;
  let normal: Recording;

  before(async function () {
    this.timeout(120_000);
    const library = buildWriteLog();
    full = await record('full', library);
    normal = await record('normal', library);
  });

  it('takes nothing that was acknowledged at the default durability, and tears nothing', async function () {
    this.timeout(600_000);
    const lost = await countLosses(full, 'full', seededRandom(seed));
    expect(
      lost.filter((count) => count > 0),
      `seed ${seed}`,
    ).to.deep.equal([]);
    console.log(`  full: ${lost.length} images, 0 acknowledged operations lost, 0 corrupt`);
  });

  it('takes the last commits at durability normal, as its name says, and tears nothing', async function () {
    this.timeout(600_000);
    const lost = await countLosses(normal, 'normal', seededRandom(seed));
    const losing = lost.filter((count) => count > 0);
    // What shows that the test above could see a loss.
    expect(losing.length, `seed ${seed}`).to.be.greaterThan(images / 4);
    console.log(
      `  normal: ${lost.length} images, ${losing.length} of them lose acknowledged operations, up to ${Math.max(...lost)}; 0 corrupt`,
    );
  });

  it('is found out where the disk does not flush the main file when it says so', async function () {
    this.timeout(600_000);
    const isLie = (each: WriteRecord) => each.kind === 'flush' && each.path.endsWith('ledger.db');
    expect(full.records.filter(isLie).length, 'checkpoints in the log').to.be.greaterThan(1);
    const lying = { ...full, records: full.records.filter((each) => !isLie(each)) };
    let broken = 0;
    for (const image of cutPower(lying, seededRandom(seed))) {
      await judge(image, 'full').catch(() => (broken += 1));
    }
    expect(broken, `seed ${seed}`).to.be.greaterThan(0);
  });
});

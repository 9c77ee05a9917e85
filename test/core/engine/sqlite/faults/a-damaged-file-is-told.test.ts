import { expect } from 'chai';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CorruptDatabaseError,
  DatabaseProviderFactory,
  QueryError,
  type DatabaseProvider,
} from '../../../../../src/core/index.ts';
import { describeOnDatabase } from '../../../../support/database.ts';
import { soakCount } from '../../../../support/engines.ts';
import { rejectionOf } from '../../../../support/rejection.ts';
import { integerBetween, pickSeed, seededRandom, type Random } from '../../../../support/seeded-random.ts';
import { makeTempDirectory } from '../../../../support/temp-directory.ts';
import { createSample, readSample, sampleTables } from './sample-tables.ts';

const pageSize = 4096;
const sites = soakCount(1_000);

/** What may be done to a page. None of it is a page that SQLite would write. */
const pageDamages: readonly ((page: Buffer, random: Random) => void)[] = [
  (page) => page.fill(0),
  (page) => page.fill(0xff),
  (page, random) => page.forEach((_, index) => (page[index] = 0x80 + integerBetween(random, 0, 0x80))),
];

function open(filename: string): DatabaseProvider<any> {
  return DatabaseProviderFactory.createProvider<any>({ type: 'sqlite', connection: { filename } });
}

describeOnDatabase('sqlite-file', 'a database file', () => {
  const seed = pickSeed();
  const random = seededRandom(seed);
  let filename: string;
  let sound: Buffer;
  /** Which table, with its index, a page belongs to, by the page's number. */
  const owners = new Map<number, string>();

  before(async () => {
    filename = join(makeTempDirectory('damage'), 'sample.db');
    await createSample(open(filename));
    sound = readFileSync(filename);
    await using provider = open(filename);
    for (const { name, pageno } of await provider.query<{ name: string; pageno: number }>(
      'select name, pageno from dbstat',
    )) {
      owners.set(pageno, name.replace('_by_name', ''));
    }
  });

  /** Reads every table of a copy that something was done to. */
  async function readDamaged(damage: (copy: Buffer) => Buffer | undefined): Promise<Record<string, string>> {
    const copy = Buffer.from(sound);
    writeFileSync(filename, damage(copy) ?? copy);
    await using provider = open(filename);
    const readings: Record<string, string> = {};
    for (const table of sampleTables) readings[table] = await readSample(provider, table);
    return readings;
  }

  it('that is sound is read right', async () => {
    expect(new Set(Object.values(await readDamaged(() => undefined)))).to.deep.equal(new Set(['right']));
  });

  it('without its header is CorruptDatabaseError, for reads and for writes', async () => {
    for (const length of [16, 100, pageSize]) {
      const readings = await readDamaged((copy) => void copy.fill(0, 0, length));
      expect(new Set(Object.values(readings))).to.deep.equal(new Set(['CorruptDatabaseError']));
      await using provider = open(filename);
      expect(await rejectionOf(provider.exec('delete from birds'))).to.be.instanceOf(CorruptDatabaseError);
    }
  });

  it('with a damaged page is CorruptDatabaseError where the page is needed, and right everywhere else', async function () {
    this.timeout(600_000);
    let told = 0;
    for (let count = 0; count < sites; count += 1) {
      const page = 1 + integerBetween(random, 0, sound.length / pageSize);
      const damagePage = pageDamages[count % pageDamages.length];
      const readings = await readDamaged((copy) => {
        damagePage?.(copy.subarray((page - 1) * pageSize, page * pageSize), random);
        return undefined;
      });
      const owner = owners.get(page) ?? 'nobody';
      for (const [table, reading] of Object.entries(readings)) {
        const isHit = owner === table || owner === 'sqlite_schema';
        expect(reading, `${table}, page ${page} of ${owner}, seed ${seed}`).to.be.oneOf(
          isHit ? ['CorruptDatabaseError'] : ['right'],
        );
        if (isHit) told += 1;
      }
    }
    expect(told).to.be.greaterThan(0);
  });

  it('with a damaged page fails many reads at once, each with its own error, and never the process', async function () {
    this.timeout(600_000);
    let told = 0;
    for (let count = 0; count < sites / 10; count += 1) {
      const page = 1 + integerBetween(random, 0, sound.length / pageSize);
      const copy = Buffer.from(sound);
      copy.fill(0, (page - 1) * pageSize, page * pageSize);
      writeFileSync(filename, copy);
      await using provider = open(filename);
      const reads = Array.from({ length: 40 }, (_, index) =>
        provider.query(`select * from ${sampleTables[index % sampleTables.length]} order by name`),
      );
      // What the reads of a turn share ends with the turn: what fails then would fall into nobody's hands.
      for (const read of await Promise.allSettled(reads)) {
        if (read.status === 'fulfilled') continue;
        expect(read.reason, `page ${page}, seed ${seed}`).to.be.instanceOf(CorruptDatabaseError);
        told += 1;
      }
    }
    expect(told).to.be.greaterThan(0);
  });

  it('that was cut short is CorruptDatabaseError, or right where nothing of a table is missing', async function () {
    this.timeout(600_000);
    let told = 0;
    for (let count = 0; count < sites / 10; count += 1) {
      const length = integerBetween(random, 1, sound.length);
      const readings = await readDamaged((copy) => copy.subarray(0, length));
      for (const reading of Object.values(readings)) {
        expect(reading, `${length} bytes, seed ${seed}`).to.be.oneOf(['right', 'CorruptDatabaseError']);
        if (reading !== 'right') told += 1;
      }
    }
    expect(told).to.be.greaterThan(0);
  });

  it('that was cut to nothing is an empty database, whose tables are missing', async () => {
    writeFileSync(filename, '');
    await using provider = open(filename);
    expect(await rejectionOf(provider.query('select * from birds'))).to.be.instanceOf(QueryError);
  });

  it('with one flipped bit never ends the process, and fails with no error but ours', async function () {
    this.timeout(600_000);
    const seen = new Map<string, number>();
    for (let count = 0; count < sites; count += 1) {
      const at = integerBetween(random, 0, sound.length);
      const readings = await readDamaged((copy) => {
        copy.writeUInt8(copy.readUInt8(at) ^ (1 << integerBetween(random, 0, 8)), at);
        return undefined;
      });
      const found = Object.values(readings).find((reading) => reading !== 'right') ?? 'right';
      seen.set(found, (seen.get(found) ?? 0) + 1);
    }
    // SQLite keeps no checksums: what a bit does to a value, nobody can see. It is counted, not promised.
    console.log(`  flipped bits: ${[...seen].map(([reading, times]) => `${times} ${reading}`).join(', ')}`);
    expect([...seen.values()].reduce((sum, times) => sum + times)).to.equal(sites);
  });
});

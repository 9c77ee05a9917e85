import { expect } from 'chai';
import { chmodSync } from 'node:fs';
import { dirname } from 'node:path';
import { startProgram } from '../../../../support/child-program.ts';
import { describeOnDatabase } from '../../../../support/database.ts';
import { makeLedgerFile } from './open-ledger.ts';
import type { Outcome } from './opening-program.ts';

const program = new URL('opening-program.ts', import.meta.url);
const nobody = 65_534;

interface Rights {
  readonly file: number;
  readonly folder: number;
}

/** Reads and writes as a user for whom only these rights count: they do not count for root. */
async function openWith({ file, folder: folderRights }: Rights): Promise<{ read: Outcome; write: Outcome }> {
  const filename = await makeLedgerFile();
  const folder = dirname(filename);
  // Everybody may pass through the folder of the tests, and sees nothing of it.
  chmodSync(dirname(folder), 0o711);
  chmodSync(filename, file);
  chmodSync(folder, folderRights);
  try {
    const isRoot = process.getuid?.() === 0;
    const { ended, lines } = startProgram(program, [filename], isRoot ? { uid: nobody } : {});
    expect(await ended).to.deep.equal({ code: 0, signal: null, stderr: '' });
    const [read, write] = lines.map((line) => JSON.parse(line) as Outcome);
    if (read === undefined || write === undefined) throw new Error('The program said nothing.');
    return { read, write };
  } finally {
    chmodSync(folder, 0o700);
  }
}

describeOnDatabase('sqlite-file', 'a database without rights to', () => {
  const cases = [
    { name: 'the file and its folder', rights: { file: 0o444, folder: 0o555 } },
    { name: 'its folder', rights: { file: 0o666, folder: 0o555 } },
    { name: 'the file', rights: { file: 0o444, folder: 0o777 } },
    { name: 'anything', rights: { file: 0o000, folder: 0o711 } },
  ];
  for (const { name, rights } of cases) {
    it(`${name} says so at once`, async () => {
      const { read, write } = await openWith(rights);
      expect(write.result).to.be.oneOf(['ReadOnlyDatabaseError', 'ConnectionError']);
      expect(write.message).to.match(/read-only|rights/);
      expect(read.result).to.be.oneOf(['ok', write.result]);
      // Nothing waits for rights to appear: lockTimeout is 10 s here.
      const took = Math.max(read.took, write.took);
      console.log(`  no rights to ${name}: ${read.result}, ${write.result}, ${took.toFixed(0)} ms`);
      expect(took).to.be.lessThan(9_000);
    });
  }
});

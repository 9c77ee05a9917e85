import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { checkLedger, noFaults } from '../../../../support/ack-ledger.ts';
import { startProgram, type ChildProgram } from '../../../../support/child-program.ts';
import { describeOnDatabase } from '../../../../support/database.ts';
import { reportNotRun } from '../../../../support/reporter.ts';
import { makeTempDirectory } from '../../../../support/temp-directory.ts';
import { until } from '../../../../support/until.ts';
import { openLedger } from './open-ledger.ts';

const program = new URL('filling-program.ts', import.meta.url);
const oneMegabyte = 1024 * 1024;

/** Lets a program fill its room, makes room, and judges what it said and what it left. */
async function fillAndRecover(
  filename: string,
  writer: ChildProgram,
  makeRoom: () => void,
): Promise<Set<string | undefined>> {
  const refusals = () =>
    writer.lines.filter((line) => line.startsWith('refused ')).map((line) => line.split(' '));
  const acknowledged = () =>
    writer.lines.filter((line) => line.startsWith('ack ')).map((line) => line.slice('ack '.length));
  const ended = writer.ended.then((end) => expect.fail(`It ended before the disk was full: ${end.stderr}`));
  await Promise.race([until(() => writer.lines.includes('full'), 15_000), ended]);
  ended.catch(() => undefined);
  const beforeRoom = acknowledged();
  expect(beforeRoom).to.not.deep.equal([]);
  makeRoom();
  writer.say('go');
  expect(await writer.ended).to.deep.include({ code: 0, stderr: '' });
  expect(new Set(refusals().map(([, name]) => name))).to.deep.equal(new Set(['DiskFullError']));
  expect(writer.lines.filter((line) => line.startsWith('read '))).to.have.lengthOf(3);
  // The very next writes go through, in the same process and on the same provider.
  expect(acknowledged()).to.have.lengthOf(beforeRoom.length + 2);
  expect(writer.lines.at(-1)).to.equal('closed');

  await using left = openLedger(filename);
  expect(await checkLedger(left, acknowledged())).to.deep.equal(noFaults);
  return new Set(refusals().map(([, , code]) => code));
}

function canRun(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Mounts a file system of `size` bytes in memory, and gives what takes it away again. */
function mountSmallDisk(size: number): { folder: string; grow(): void; unmount(): void } | undefined {
  const folder = makeTempDirectory('small-disk');
  if (!canRun('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder)) return undefined;
  const unmount = () => void canRun('umount', '--lazy', folder);
  process.once('exit', unmount);
  return {
    folder,
    grow: () => execFileSync('mount', ['-o', `remount,size=${16 * size}`, folder]),
    unmount() {
      process.removeListener('exit', unmount);
      unmount();
    },
  };
}

describeOnDatabase('sqlite-file', 'a full disk', () => {
  const disk = mountSmallDisk(oneMegabyte);
  if (disk === undefined) {
    reportNotRun('full disk', 'no right to mount a file system: run as root');
  } else {
    after(() => disk.unmount());

    it('is DiskFullError; what was acknowledged stays, reads go on, and writes too once there is room', async () => {
      const filename = join(disk.folder, 'ledger.db');
      const codes = await fillAndRecover(filename, startProgram(program, [filename]), () => disk.grow());
      expect([...codes]).to.include('SQLITE_FULL');
    });
  }

  if (!canRun('prlimit', '--version')) {
    reportNotRun('file size limit', 'no prlimit: install util-linux');
  } else {
    it('and a file size limit is the same', async () => {
      const filename = join(makeTempDirectory('limit'), 'ledger.db');
      const under = ['prlimit', `--fsize=${oneMegabyte}:unlimited`];
      const writer = startProgram(program, [filename], { under });
      const codes = await fillAndRecover(filename, writer, () =>
        execFileSync('prlimit', ['--pid', String(writer.pid), '--fsize=unlimited:unlimited']),
      );
      expect([...codes]).to.include('SQLITE_IOERR_WRITE');
    });
  }
});

import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { reportNotRun } from '../support/reporter.ts';
import { makeTempDirectory } from '../support/temp-directory.ts';
import { bundleBin, runBin } from './run-bin.ts';

const migrate = ['migrate', 'latest', '--database', 'sqlite:app.db'];
const fullDisk = '/dev/full';

async function expectMigrated(cwd: string): Promise<void> {
  const { code } = await runBin(['migrate', 'status', '--database', 'sqlite:app.db'], { cwd });
  expect(code).to.equal(0);
}

describe('output that cannot be written ends no work', () => {
  it('and no word is lost about a pipe that its reader has closed', async () => {
    const cwd = makeTempDirectory('cli');
    const child = spawn(process.execPath, [bundleBin(), ...migrate], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
    await expectMigrated(cwd);
  });

  if (!existsSync(fullDisk)) {
    reportNotRun('output to a full disk', `this machine has no ${fullDisk}`);
    return;
  }

  describe('and a full disk', () => {
    let disk = 0;

    before(() => {
      disk = openSync(fullDisk, 'w');
    });

    after(() => closeSync(disk));

    it('is one line and the exit code 1', async () => {
      const cwd = makeTempDirectory('cli');
      const child = spawn(process.execPath, [bundleBin(), ...migrate], {
        cwd,
        stdio: ['ignore', disk, 'pipe'],
      });
      const [stderr, [code]] = await Promise.all([text(child.stderr!), once(child, 'exit')]);
      const line = 'error: The output cannot be written (ENOSPC).\n';
      expect({ code, stderr }).to.deep.equal({ code: 1, stderr: line });
      await expectMigrated(cwd);
    });

    it('is the exit code 1 where not even that line can be written', async () => {
      const child = spawn(process.execPath, [bundleBin(), ...migrate], {
        cwd: makeTempDirectory('cli'),
        stdio: ['ignore', disk, disk],
      });
      const [code] = (await once(child, 'exit')) as [number | null];
      expect(code).to.equal(1);
    });
  });
});

import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { startProgram } from '../../../../support/child-program.ts';
import { describeOnDatabase } from '../../../../support/database.ts';
import { reportNotRun } from '../../../../support/reporter.ts';
import { makeTempDirectory } from '../../../../support/temp-directory.ts';

const program = new URL('many-readers-program.ts', import.meta.url);

function hasPrlimit(): boolean {
  try {
    execFileSync('prlimit', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describeOnDatabase('sqlite-file', 'a process that may open few files', () => {
  if (!hasPrlimit()) {
    reportNotRun('too few file handles', 'no prlimit: install util-linux');
    return;
  }

  it('is told so, and the pool goes on with the readers that it has', async () => {
    const filename = join(makeTempDirectory('handles'), 'ledger.db');
    const child = startProgram(program, [filename], { under: ['prlimit', '--nofile=40:40'] });
    expect(await child.ended).to.deep.equal({ code: 0, signal: null, stderr: '' });
    const [readers, failures, stats] = child.lines.map((line) => JSON.parse(line) as Record<string, number>);
    console.log(`  40 file handles, 60 readers asked for: ${JSON.stringify(readers)}`);
    expect(readers).to.have.property('ok').that.is.greaterThan(0);
    // Only those two: no room to open another, and no reader that came free in time.
    expect(readers).to.have.all.keys('ok', 'ConnectionError');
    expect(failures).to.deep.equal([]);
    expect(stats).to.include({ busy: 0, waiting: 0 });
  });
});

import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { copyDatabase } from '../../../src/core/copy/index.ts';
import { startProgram, type ChildEnd } from '../../support/child-program.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { reportNotRun } from '../../support/reporter.ts';
import { contentOf } from './content-of.ts';
import { useHandMade } from './hand-made.ts';
import type { CopyingPlan } from './copying-program.ts';

const program = new URL('copying-program.ts', import.meta.url);
const schema = 'create table a (id integer primary key, x text)';
/** Some megabytes. */
const rows = `with recursive n (id) as (select 1 union all select id + 1 from n where id < 4000)
  insert into a select id, '${'x'.repeat(1_000)}' from n`;

/** Copies in a process whose files have no more room than that. */
function copyInto(room: string, urls: Pick<CopyingPlan, 'from' | 'to'>): Promise<ChildEnd> {
  const plan: CopyingPlan = { ...urls, resume: false };
  return startProgram(program, [JSON.stringify(plan)], { under: ['prlimit', `--fsize=${room}`] }).ended;
}

function hasPrlimit(): boolean {
  try {
    execFileSync('prlimit', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

for (const [engine, error] of [
  ['postgres', 'DiskFullError'],
  // Its snapshot is a file too, and the first one to have no room. Of the limit a backup hears no more than that it failed.
  ['sqlite-file', 'ConnectionError'],
] as const) {
  describeOnDatabase(engine, 'a copy whose target has no room', (from) => {
    describeOnDatabase('sqlite-file', 'on its way into', (to) => {
      const make = useHandMade();
      if (!hasPrlimit()) {
        reportNotRun('full disk under a copy', 'no prlimit: install util-linux');
        return;
      }

      it('says so, and goes on once there is some', async () => {
        const urls = { from: await from.freshUrl(), to: await to.freshUrl() };
        const source = await make(urls.from, [schema, rows]);
        await (await make(urls.to, [schema])).close();
        const { code, stderr } = await copyInto(String(1024 * 1024), urls);
        expect(code, stderr).to.equal(1);
        expect(stderr).to.include(`${error}: `);
        const folder = dirname(urls.from.replace(/^sqlite:/, ''));
        if (engine === 'sqlite-file') {
          const name = basename(urls.from.replace(/^sqlite:/, ''));
          const left = (await readdir(folder)).filter((file) => file.startsWith(`${name}.copy-`));
          expect(left, 'no half of a snapshot').to.deep.equal([]);
        }
        const target = await make(urls.to, []);
        const report = await copyDatabase(source, target, { resume: true });
        expect(report).to.deep.include({ rows: 4_000, resumed: true, changed: [] });
        expect(await contentOf(target)).to.deep.equal(await contentOf(source));
      });
    });
  });
}

import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startProgram } from '../../support/child-program.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { makeTempDirectory } from '../../support/temp-directory.ts';
import type { ImportingPlan } from './importing-program.ts';
import { makeLegacyDatabase } from './legacy-files.ts';
import { dumpTarget, importFrom, openTarget } from './legacy-target.ts';

const program = new URL('importing-program.ts', import.meta.url);

for (const name of ['sqlite-file', 'postgres'] as const) {
  describeOnDatabase(name, 'an import that is killed right behind a commit', (database) => {
    it('goes on from there, whichever commit it was', async function () {
      this.timeout(300_000);
      const sources = [
        makeLegacyDatabase({
          threads: Array.from({ length: 5 }, (_, index) => ({ id: `t${index}`, created_at: -1 })),
          users: Array.from({ length: 3 }, (_, index) => ({
            id: `u${index}`,
            email: `u${index}@example.org`,
          })),
        }),
      ];
      await using whole = await openTarget(await database.freshUrl());
      await importFrom(whole, sources);
      const expected = await dumpTarget(whole.provider);
      const key = randomBytes(32).toString('base64');
      let kills = 0;
      for (let dieAt = 1; ; dieAt += 1) {
        const url = await database.freshUrl();
        const stateFolder = join(makeTempDirectory('state'), 'snapshots');
        const plan: ImportingPlan = { url, sources, stateFolder, key, batchSize: 2 };
        const end = await startProgram(program, [JSON.stringify({ ...plan, dieAt })]).ended;
        if (end.signal !== 'SIGKILL') {
          expect(end.code, end.stderr).to.equal(0);
          break;
        }
        kills += 1;
        await using store = await openTarget(url);
        const { proof } = await importFrom(store, sources, { stateFolder });
        expect(proof.examples, `transaction ${dieAt}`).to.deep.equal([]);
        expect(await dumpTarget(store.provider), `transaction ${dieAt}`).to.deep.equal(expected);
        expect(existsSync(stateFolder), 'snapshots').to.equal(false);
      }
      // Two of users, three of threads, and the end of both; and whatever the migrations take.
      expect(kills).to.be.at.least(7);
      console.log(`  ${kills} kills, each at the end of another transaction`);
    });
  });
}

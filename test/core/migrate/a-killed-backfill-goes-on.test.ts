import { expect } from 'chai';
import { sql } from 'kysely';
import { setTimeout as wait } from 'node:timers/promises';
import { startProgram } from '../../support/child-program.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import { pickSeed, seededRandom } from '../../support/seeded-random.ts';
import type { BackfillingPlan } from './backfilling-program.ts';
import { openUntyped } from './sample-history.ts';

const program = new URL('backfilling-program.ts', import.meta.url);
/** Half of them on each engine. */
const kills = soakCount(200) / 2;
const rows = 20_000 * kills;
const batchSize = 100;

for (const name of ['sqlite-file', 'postgres'] as const) {
  describeOnDatabase(name, 'a backfill that is killed', (database) => {
    it('goes on where it was, and changes no row twice', async function () {
      this.timeout(1_800_000);
      const seed = pickSeed();
      const random = seededRandom(seed);
      const url = await database.freshUrl();
      await using provider = openUntyped(url);
      await sql`create table things (id integer primary key, n integer not null)`.execute(provider.db);
      await sql`insert into things (id, n) with recursive counter(n) as
        (select 1 union all select n + 1 from counter where n < ${sql.lit(rows)}) select n, 0 from counter`.execute(
        provider.db,
      );
      const plan: BackfillingPlan = { url, batchSize };
      const start = () => startProgram(program, [JSON.stringify(plan)]);
      const places: number[] = [];
      for (let kill = 0; kill < kills; kill += 1) {
        // Each second time another one runs beside it, and goes on.
        const [victim, other] = kill % 2 === 0 ? [start()] : [start(), start()];
        await Promise.all([victim.line(1), other?.line(1)]);
        await wait(random() * 60);
        victim.kill('SIGKILL');
        await victim.ended;
        other?.kill('SIGKILL');
        await other?.ended;
        const said = [...victim.lines, ...(other?.lines ?? [])].map((line) => Number(line.split(' ')[1]));
        const told = Math.max(...said.filter((place) => !Number.isNaN(place)));
        // In one statement: a server may still be at the commit of whoever was killed.
        const [state] = await provider.query<{
          done: number;
          changed: number;
          counted: number;
          most: number;
        }>(
          `select done, changed, (select count(*) from things where n > 0) as counted,
             (select coalesce(max(n), 0) from things) as most from liminal_backfills`,
        );
        // What it told is kept, and the place and the rows are of the same batch.
        expect(state?.done, `seed ${seed}`).to.be.at.least(told);
        expect(state, `seed ${seed}`).to.include({ counted: state?.changed, most: 1 });
        places.push(state?.done ?? 0);
      }
      const last = startProgram(program, [
        JSON.stringify({ url, batchSize: 20_000 } satisfies BackfillingPlan),
      ]);
      expect((await last.ended).code).to.equal(0);
      expect(last.lines.at(-1)).to.equal(`end ${rows}`);
      const [all] = await provider.query<{ rows: number; least: number; most: number }>(
        'select count(*) as rows, min(n) as least, max(n) as most from things',
      );
      expect(all).to.deep.equal({ rows, least: 1, most: 1 });
      expect(new Set(places).size, 'kills that came before the end').to.be.greaterThan(kills / 2);
      console.log(`  ${kills} kills, ${rows} rows, each changed once`);
    });
  });
}

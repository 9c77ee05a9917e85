/** SIGKILL of an application in a transaction, while another one waits for a row that it holds. */
import { expect } from 'chai';
import { soakCount } from '../../../../support/engines.ts';
import { startProgram } from '../../../../support/child-program.ts';
import { until } from '../../../../support/until.ts';
import { describeOnPostgres } from '../postgres-harness.ts';
import { printFigure } from './fault-harness.ts';

describeOnPostgres('a killed application frees its locks', (postgres) => {
  it('whoever waits for a row goes on, and finds nothing of the one that was killed', async function () {
    this.timeout(300_000);
    const url = await postgres.freshUrl();
    const provider = await postgres.openWithItems({ url });
    await provider.db.insertInto('items').values({ id: 1, name: 'first' }).execute();
    let slowest = 0;
    const rounds = Math.ceil(soakCount(200) / 5);
    for (let round = 0; round < rounds; round += 1) {
      const holder = startProgram(new URL('./holding-program.ts', import.meta.url), [url]);
      await holder.line(0);
      const name = `round ${round}`;
      const update = provider.db.updateTable('items').set({ name }).where('id', '=', 1).execute();
      await until(async () => {
        const rows = await postgres.askServer(
          url,
          `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
        );
        return rows.length === 1;
      });
      const start = performance.now();
      holder.kill('SIGKILL');
      await update;
      slowest = Math.max(slowest, performance.now() - start);
      await holder.ended;
      expect(await provider.query('select name from items')).to.deep.equal([{ name }]);
    }
    printFigure(
      `an application killed in a transaction, ${rounds} times: its lock was free after at most ${slowest.toFixed(0)} ms`,
    );
    // Where nobody told the server, the row would stay locked for hours.
    expect(slowest).to.be.below(15_000);
  });
});

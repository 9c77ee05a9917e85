import { expect } from 'chai';
import type { DatabaseProvider } from '../../../../src/core/index.ts';
import { describeOnPostgres, type Tables } from './postgres-harness.ts';

const traces: readonly (readonly [what: string, leave: string, look: string, clean: unknown])[] = [
  ['a setting', 'set work_mem = 1234', `select current_setting('work_mem') <> '1234kB' as it`, true],
  ['another role', 'set role pg_monitor', `select current_user <> 'pg_monitor' as it`, true],
  ['another user', 'set session authorization pg_monitor', `select session_user <> 'pg_monitor' as it`, true],
  [
    'a search path',
    'set search_path = pg_catalog',
    `select current_setting('search_path') as it`,
    '"$user", public',
  ],
  [
    'a setting by a function',
    `select set_config('lock_timeout', '7', false)`,
    `select current_setting('lock_timeout') as it`,
    '10s',
  ],
  ['our own settings', 'reset statement_timeout', `select current_setting('statement_timeout') as it`, '30s'],
  ['a temporary table', 'create temp table litter (id integer)', `select to_regclass('litter') as it`, null],
  ['a listener', 'listen litter', 'select count(*)::integer as it from pg_listening_channels()', 0],
  [
    'a lock',
    'select pg_advisory_lock(4711)',
    `select count(*)::integer as it from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()`,
    0,
  ],
];

describeOnPostgres('raw SQL leaves nothing behind', (postgres) => {
  for (const [what, leave, look, clean] of traces) {
    it(`of ${what}, and the connection goes on with its prepared statements`, async () => {
      const provider = await postgres.openWithItems({ pool: { max: 1 } });
      for (let use = 0; use < 3; use += 1) await provider.db.selectFrom('items').selectAll().execute();
      await provider.exec(leave);
      expect(await provider.query(look)).to.deep.equal([{ it: clean }]);
      expect(await preparedOn(provider)).to.equal(1);
      expect(provider.stats()).to.include({ created: 1, retired: 0 });
    });
  }

  it('and what is common costs no round trip for it', async () => {
    const url = await postgres.freshUrl();
    const provider = await postgres.openWithItems({ url, pool: { max: 1 } });
    await provider.exec(`insert into items values (1, 'a')`);
    await provider.query('select * from items');
    await provider.exec('alter table items add column more integer');
    const [last] = await postgres.askServer<{ query: string }>(
      url,
      `select query from pg_stat_activity where application_name = 'liminal-data' and datname = current_database()`,
    );
    expect(last?.query).to.equal('alter table items add column more integer');
  });
});

async function preparedOn(provider: DatabaseProvider<Tables>): Promise<number | undefined> {
  const [row] = await provider.query<{ n: number }>(
    `select count(*)::integer as n from pg_prepared_statements where statement = 'select * from "items"'`,
  );
  return row?.n;
}

import { expect } from 'chai';
import { sql } from 'kysely';
import { outside } from '../../../src/core/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';
import { AnyDatabase } from './any-table.ts';

const tables = [
  'create table t (id integer primary key, name text not null)',
  'create table k (id integer primary key, name text not null)',
  `insert into t values (1, 'old')`,
  `insert into k values (1, 'old')`,
  `create function f() returns trigger language plpgsql as
    $$ begin perform pg_advisory_xact_lock(7); update k set name = 'new'; return null; end $$`,
];

describeOnDatabase('postgres', 'a write that has waited for a new schema', (database) => {
  /** A write waits for a trigger, and that takes its time: between the commit of the schema and that of the write. */
  const beginWrite = async ({ provider }: AnyDatabase) => {
    const isHeld = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const holding = provider.transaction(async (tx) => {
      await sql`select pg_advisory_xact_lock(7)`.execute(tx);
      isHeld.resolve();
      await held.promise;
    });
    await isHeld.promise;
    const waiting = 'select 1 from pg_locks where not granted';
    const { sent } = await provider.transaction(async (tx) => {
      await sql`create trigger tr after update on t for each row execute function f()`.execute(tx);
      const writing = outside(() => provider.exec(`update t set name = 'new' where id = 1`));
      await until(async () => (await outside(() => provider.query(waiting))).length > 0);
      return { sent: writing };
    });
    return async () => {
      held.resolve();
      await holding;
      await sent;
    };
  };

  for (const uncached of [[], ['t']]) {
    const which = uncached.length === 0 ? '' : ', also where nobody caches the table that it writes';
    it(`is told with what that lets it do${which}`, async () => {
      await using opened = await AnyDatabase.open(await database.freshUrl(), tables, { uncached });
      const { cache } = opened;
      const kids = opened.cached('k');
      const endWrite = await beginWrite(opened);
      await cache.ready();
      await until(async () => {
        expect(await kids.findById(1)).to.include({ name: 'old' });
        return (await cache.explain('k', 1)).answer === 'hit';
      });
      await endWrite();
      expect(await kids.findById(1)).to.include({ name: 'new' });
    });
  }
});

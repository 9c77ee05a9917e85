import { expect } from 'chai';
import { copyDatabase } from '../../../src/core/copy/index.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { useHandMade } from './hand-made.ts';

const local = (name: string, value: string) =>
  `do $$ begin execute format('alter database %I set ${name} = %L', current_database(), '${value}'); end $$`;

describeOnDatabase('postgres', 'times on a server with customs of its own', (postgres) => {
  describeOnEachDatabase('copied into', (other) => {
    const make = useHandMade();

    it('are proved to be the same', async () => {
      const url = await postgres.freshUrl();
      // What a session has at its start it keeps, so the table is made in a later one.
      await make(url, [
        local('timezone', 'Europe/Berlin'),
        local('datestyle', 'German'),
        local('extra_float_digits', '-3'),
      ]);
      const source = await make(url, [
        'create table a (id integer primary key, at timestamptz, due interval, share double precision)',
        `insert into a values (1, '2024-01-01 12:00:00.123456+00', '1 day 02:00', 0.1::float8 + 0.2),
          (2, 'infinity', null, null), (3, '0044-03-15 00:00:00+00 BC', null, 1e300)`,
      ]);
      const [time, span] = other.name === 'postgres' ? ['timestamptz', 'interval'] : ['text', 'text'];
      const target = await make(await other.freshUrl(), [
        `create table a (id integer primary key, at ${time}, due ${span}, share double precision)`,
      ]);
      expect((await copyDatabase(source, target)).changed).to.deep.equal([]);
      const rows = await target.query<{ at: string }>('select cast(at as text) as at from a order by id');
      expect(rows[1]).to.deep.equal({ at: 'infinity' });
      expect(rows[0]?.at).to.contain('2024-01-01 12:00:00.123456');
    });
  });
});

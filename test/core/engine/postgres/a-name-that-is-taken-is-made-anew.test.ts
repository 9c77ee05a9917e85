import { expect } from 'chai';
import { createHash } from 'node:crypto';
import { describeOnPostgres } from './postgres-harness.ts';

describeOnPostgres('a name that is taken on the server', (postgres) => {
  it('as by another client of one pooler (42P05), is left to it, and the statement runs under a new one', async () => {
    const provider = await postgres.openWithItems({ pool: { max: 1 } });
    const query = provider.db.selectFrom('items').selectAll().compile();
    await provider.direct!.execute(query);
    const hash = createHash('sha256').update(query.sql).digest('base64url').slice(0, 16);
    await provider.exec(`prepare "l0_${hash}" as select 'wrong'`);
    for (let use = 0; use < 3; use += 1) {
      expect(await provider.direct!.execute(query)).to.deep.include({ rows: [] });
    }
    const names = await provider.query<{ name: string; statement: string }>(
      `select name, statement from pg_prepared_statements where name like 'l%'`,
    );
    const own = names.filter(({ statement }) => statement === query.sql);
    expect(own.map(({ name }) => name)).to.deep.equal([`l1_${hash}`]);
  });
});

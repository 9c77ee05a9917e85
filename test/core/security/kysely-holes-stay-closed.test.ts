/** C20: what earlier versions of Kysely let through, tried on this library, and on Kysely as its handles give it out. */
import { expect } from 'chai';
import { expressionBuilder, sql, type Expression } from 'kysely';
import { DatabaseProviderFactory, ValidationError, type DatabaseProvider } from '../../../src/core/index.ts';
import type { ColumnHelpers } from '../../../src/core/migrate/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import {
  createThingRepository,
  makeThing,
  openThings,
  type Tables,
  type ThingRepository,
} from '../repository/things.ts';

const secret = 'canary-of-another-field';

/** A leg of a JSON path, in Kysely's own words. */
interface PathStart {
  key(leg: string): Expression<unknown>;
  at(leg: unknown): Expression<unknown>;
}

describeOnEachDatabase('the holes of earlier query builders stay closed (C20)', (database) => {
  let provider: DatabaseProvider<Tables>;
  let things: ThingRepository;

  before(async () => {
    provider = await openThings(database);
    things = createThingRepository(provider);
    const data = JSON.stringify({ open: 'x', list: ['y', secret], inner: { secret } });
    await things.insert(makeThing({ label: secret, data }));
  });
  after(() => provider.close());

  const pathOfKysely = (): PathStart => {
    const eb = expressionBuilder<{ things: { data: Record<string, unknown> } }, 'things'>();
    return provider.type === 'postgres' ? eb.ref('data', '->') : eb.ref('data', '->$');
  };
  const find = async (path: Expression<unknown>): Promise<unknown[]> => {
    const { rows } = await sql<{ found: unknown }>`select ${path} as found from things`.execute(provider.db);
    return rows.map(({ found }) => found);
  };

  /** Nothing is found by a leg where nothing has its name, and what has it is found. */
  const expectOneName = async (leg: string): Promise<void> => {
    expect(await things.count({ data: { path: [leg], contains: '' } }), leg).to.equal(0);
    expect(await things.count({ data: { path: [leg], eq: secret } }), leg).to.equal(0);
    expect(await things.count({ data: { path: ['inner', leg], eq: secret } }), leg).to.equal(0);
    expect(await find(pathOfKysely().key(leg)), leg).to.deep.equal([null]);
    const named = await things.insert(makeThing({ data: JSON.stringify({ [leg]: 'here' }) }));
    expect(await things.findMany({ data: { path: [leg], eq: 'here' } }), leg).to.deep.equal([named]);
    await things.delete(named);
    expect(await things.count({ label: secret }), leg).to.equal(1);
  };

  // GHSA: a quote ended the text of the path, and what followed was SQL.
  it('CVE-2026-32763: no leg of a JSON path ends the text that it stands in', async () => {
    for (const leg of [
      `open' as found from things union select label from things --`,
      `open') as found from things union select label from things --`,
      `open'||(select label from things)||'`,
      `x' or '1'='1`,
      `open'; delete from things; --`,
      `open''; delete from things; --`,
      `'`,
    ]) {
      await expectOneName(leg);
      // A place in a list is a number, or nothing is sent.
      expect(() => pathOfKysely().at(`0${leg}`), leg).to.throw();
      const count = things.count({ data: { path: ['list', `0${leg}`], eq: secret } });
      expect(await count, leg).to.equal(0);
    }
  });

  // GHSA: where a backslash escapes, it took the closing quote of a text with it. On Postgres a setting decides that.
  it('CVE-2026-33468: no text that is written into a statement ends early', async () => {
    const url = await database.freshUrl();
    if (database.name === 'postgres') await letBackslashesEscape(url);
    await using own = DatabaseProviderFactory.createProvider<Record<string, Record<string, unknown>>>(url);
    const t: ColumnHelpers = own.migrations.columns;
    await own.exec('create table victims (id integer)');
    const texts = [
      `\\'; drop table victims; --`,
      `\\\\'; drop table victims; --`,
      `\\`,
      `'`,
      `\\''; drop table victims; --`,
    ];
    for (const [index, text] of texts.entries()) {
      const table = `t${index}`;
      await t.createTable(own.db, table, (c) => ({
        id: c.id(),
        word: c.withDefault(c.text(), text),
        kind: c.enumText([text, 'other']),
        data: c.json(),
      }));
      await t.createIndex(own.db, table, {
        name: `${table}_index`,
        columns: [{ column: 'data', path: [text], as: 'string' }],
      });
      const id = crypto.randomUUID();
      await own.db
        .insertInto(table)
        .values({ id, kind: text, data: JSON.stringify({ [text]: text }) })
        .execute();
      expect(await own.db.selectFrom(table).select(['word', 'kind']).execute(), text).to.deep.equal([
        { word: text, kind: text },
      ]);
      const { rows } = await sql`select ${sql.lit(text)} as word`.execute(own.db);
      expect(rows, text).to.deep.equal([{ word: text }]);
    }
    expect(await own.query('select count(*) as n from victims')).to.have.length(1);
  });

  // GHSA: a dot, a bracket or a star in a leg meant further legs, and led to fields that were not asked for.
  it('CVE-2026-44635: a leg of a JSON path is one name, and leads to nothing beside it', async () => {
    for (const leg of [
      'inner.secret',
      '$.inner.secret',
      '.inner.secret',
      'inner"."secret',
      'inner\\"."secret',
      `inner'->'secret`,
      'open"',
      '"open',
      '*',
      '**.secret',
      '[*]',
      'list[1]',
      '[0]',
      '{inner,secret}',
      'inner,secret',
      '"inner"',
      '?(@.secret)',
      '$',
      '#-1',
      'last',
    ]) {
      await expectOneName(leg);
    }
    for (const place of ['last-1', '*', '0 to last', '0].secret[0', Number.NaN, 1.5, null, {}, ['0']]) {
      expect(() => pathOfKysely().at(place), JSON.stringify(place)).to.throw();
      const outcome = await things
        .count({ data: { path: ['list', place] as never, eq: secret } })
        .catch(refusedAs);
      expect(outcome, JSON.stringify(place)).to.equal(typeof place === 'string' ? 0 : 'refused');
    }
  });
});

function refusedAs(error: unknown): 'refused' {
  if (error instanceof ValidationError) return 'refused';
  throw error;
}

/** As an old database may be set, and as MySQL is: then a backslash in a text takes the quote behind it along. */
async function letBackslashesEscape(url: string): Promise<void> {
  await using provider = DatabaseProviderFactory.createProvider<object>(url);
  const name = new URL(url).pathname.slice(1);
  await sql`alter database ${sql.id(name)} set standard_conforming_strings = off`.execute(provider.db);
}

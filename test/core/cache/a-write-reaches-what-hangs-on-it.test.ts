import { expect } from 'chai';
import { sql } from 'kysely';
import { WriteEffects } from '../../../src/core/cache/touch/write-effects.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { openFamily, type FamilyProvider } from './family-tables.ts';

async function effectsOf(provider: FamilyProvider, triggers: Record<string, readonly string[]> = {}) {
  const effects = new WriteEffects(provider, { triggers });
  await effects.read();
  return (
    table: string,
    verb: 'insert' | 'update' | 'delete' | 'any' | 'replace',
    set?: readonly string[],
  ) => {
    const reached = effects.of({ table, verb, set });
    return reached === undefined ? undefined : [...reached].sort();
  };
}

const run = (provider: FamilyProvider, ...texts: readonly string[]) =>
  texts.reduce(async (before, text) => {
    await before;
    await sql.raw(text).execute(provider.db);
  }, Promise.resolve());

describeOnEachDatabase('a write reaches what hangs on it', (database) => {
  let provider: FamilyProvider;

  beforeEach(async () => {
    provider = await openFamily(database);
  });
  afterEach(() => provider.close());

  it('by foreign keys that cascade or are set to null, and those that hang on them', async () => {
    const of = await effectsOf(provider);
    expect(of('people', 'insert')).to.deep.equal([]);
    expect(of('people', 'delete')).to.deep.equal(['notes', 'rooms', 'seats']);
    expect(of('people', 'replace')).to.deep.equal(['notes', 'rooms', 'seats']);
    expect(of('people', 'update', ['name'])).to.deep.equal([]);
    expect(of('people', 'update', ['id'])).to.deep.equal(['seats']);
    expect(of('people', 'update')).to.deep.equal(['seats']);
    expect(of('rooms', 'update', ['id'])).to.deep.equal(['notes']);
    expect(of('rooms', 'update', ['title'])).to.deep.equal([]);
    expect(of('notes', 'delete')).to.deep.equal(['notes']);
    expect(of('seats', 'any')).to.deep.equal([]);
  });

  it('anything, where nothing is known of it', async () => {
    const effects = new WriteEffects(provider);
    expect(effects.of({ table: 'seats', verb: 'insert' })).to.equal(undefined);
    await effects.read();
    expect(effects.isRead).to.equal(true);
    expect(effects.of({ table: 'seats', verb: 'insert' })).to.deep.equal(new Set());
    expect(effects.of({ table: 'nowhere', verb: 'insert' })).to.equal(undefined);
    effects.forget();
    expect(effects.of({ table: 'seats', verb: 'insert' })).to.equal(undefined);
    const reading = effects.read();
    effects.forget();
    await reading;
    expect(effects.isRead, 'what is read may be older than what was forgotten').to.equal(false);
    const blind = new WriteEffects({ db: provider.db, sql: {} });
    await blind.read();
    expect(blind.of({ table: 'seats', verb: 'insert' })).to.equal(undefined);
  });

  it('in a transaction that is rolled back as well: it reads outside of it', async () => {
    const effects = new WriteEffects(provider);
    if (database.name !== 'sqlite-memory') await provider.transaction(() => effects.read());
    expect(effects.isRead).to.equal(database.name !== 'sqlite-memory');
  });
});

describeOnEachDatabase('a write of a table with triggers', (database) => {
  it('reaches anything, unless it is told what', async () => {
    const provider = await openFamily(database);
    await (provider.type === 'sqlite'
      ? run(provider, `create trigger mark after update on rooms begin update seats set taken_by = null; end`)
      : run(
          provider,
          `create function mark() returns trigger language plpgsql as $$ begin update seats set taken_by = null; return new; end $$`,
          `create trigger mark after update on rooms for each row execute function mark()`,
        ));
    const of = await effectsOf(provider);
    expect(of('rooms', 'insert')).to.equal(undefined);
    expect(of('people', 'delete'), 'by a cascade').to.equal(undefined);
    expect(of('people', 'insert')).to.deep.equal([]);
    const told = await effectsOf(provider, { Rooms: ['Seats'] });
    expect(told('rooms', 'insert')).to.deep.equal(['seats']);
    expect(told('people', 'delete')).to.deep.equal(['notes', 'rooms', 'seats']);
    await run(provider, `create view shown as select * from people`);
    const viewed = await effectsOf(provider);
    expect(viewed('shown', 'update')).to.equal(undefined);
    await provider.close();
  });
});

describeOnDatabase('postgres', 'a write of a table with kin', (database) => {
  it('reaches parents, children and what hangs on them, in every schema', async () => {
    const provider = await openFamily(database);
    await run(
      provider,
      `create schema other`,
      `create table base (id integer)`,
      `create table other.derived (extra text) inherits (base)`,
      `create table parted (id integer primary key) partition by range (id)`,
      `create table "Part" partition of parted for values from (0) to (10)`,
      `create table hanging (at integer references parted on delete cascade)`,
      `create table ruled (id integer)`,
      `create rule also as on insert to ruled do also delete from people`,
    );
    const of = await effectsOf(provider);
    expect(of('base', 'update', [])).to.deep.equal(['derived']);
    expect(of('derived', 'update', [])).to.include('base');
    expect(of('part', 'delete')).to.include.members(['parted', 'hanging']);
    expect(of('parted', 'insert')).to.include('part');
    expect(of('ruled', 'insert')).to.equal(undefined);
    await provider.close();
  });
});

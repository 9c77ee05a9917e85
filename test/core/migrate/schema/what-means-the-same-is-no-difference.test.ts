import { expect } from 'chai';
import fc from 'fast-check';
import type { DatabaseProvider } from '../../../../src/core/index.ts';
import { diffSchemas } from '../../../../src/core/migrate/schema/schema-diff.ts';
import { fingerprintSchema } from '../../../../src/core/migrate/schema/schema-fingerprint.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../../support/database.ts';
import { soakCount } from '../../../support/engines.ts';
import { openUntyped } from '../sample-history.ts';
import { ways, writeOtherwise } from './another-writing.ts';
import { readSchemaOf, runScript, scriptOf } from './schema-scripts.ts';

describeOnEachDatabase('what means the same is no difference', (database) => {
  let provider: DatabaseProvider<any>;

  before(async () => {
    provider = openUntyped(await database.freshUrl());
  });
  after(() => provider.close());

  const script = scriptOf(database.name);

  async function expectSame(one: readonly string[], other: readonly string[]): Promise<void> {
    const before = await readSchemaOf(provider, one);
    const after = await readSchemaOf(provider, other);
    expect(diffSchemas(before, after)).to.deep.equal([]);
    expect(fingerprintSchema(after)).to.equal(fingerprintSchema(before));
  }

  it('comments, white space, keywords in capitals and quotes around names', async function () {
    this.timeout(120_000);
    const quotes = database.name === 'postgres' ? ['""'] : ['""', '``', '[]'];
    const expected = await readSchemaOf(provider, script);
    await fc.assert(
      fc.asyncProperty(ways, async (chosen) => {
        const rewritten = script.map((statement) => writeOtherwise(statement, chosen, quotes));
        expect(diffSchemas(expected, await readSchemaOf(provider, rewritten))).to.deep.equal([]);
      }),
      { numRuns: soakCount(300) },
    );
  });

  const additions: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    [
      'columns that were added in another order',
      ['alter table parents add column x text', 'alter table parents add column y text'],
      ['alter table parents add column y text', 'alter table parents add column x text'],
    ],
    [
      'a column that was added, dropped and added again',
      ['alter table parents add column x text', 'alter table parents add column y text'],
      [
        'alter table parents add column x text',
        'alter table parents add column y text',
        'alter table parents drop column x',
        'alter table parents add column x text',
      ],
    ],
    [
      'indexes that were made in another order',
      ['create index p on parents (code)', 'create index q on parents (region)'],
      ['create index q on parents (region)', 'create index p on parents (code)'],
    ],
    [
      'a view that was dropped and made again',
      [],
      ['drop view cheap', 'create view cheap as select id, name from items where price < 5'],
    ],
    [
      'a table that was renamed there and back',
      [],
      ['alter table parents rename to elders', 'alter table elders rename to parents'],
    ],
    [
      'a column that was renamed there and back',
      [],
      ['alter table parents rename column code to k', 'alter table parents rename column k to code'],
    ],
    ['ASC in an index', ['create index p on parents (code)'], ['create index p on parents (code asc)']],
    ['rows', [], [`insert into parents (region, code) values ('eu', 'x')`, 'analyze']],
    [
      'temporary tables',
      [],
      ['create temporary table scratch (id integer primary key)', 'create index s on scratch (id)'],
    ],
    [
      'the record of migrations',
      [],
      [
        'create table notes_migration (name text primary key)',
        'create index notes_migration_name on notes_migration (name)',
        'create table notes_migration_lock (id text)',
        'create table liminal_migrations (id integer primary key)',
        'create table liminal_schemas (id integer primary key)',
        'create table liminal_migration_lock (id integer)',
        'create table liminal_seeds (id integer)',
        'create table liminal_backfills (id integer)',
      ],
    ],
  ];
  for (const [title, one, other] of additions) {
    it(title, () => expectSame([...script, ...one], [...script, ...other]));
  }

  it('but a table of its own is one that only looks like a record of migrations', async () => {
    const before = await readSchemaOf(provider, []);
    const alone = await readSchemaOf(provider, [
      'create table data_migration (id integer)',
      'create table liminal_things (id integer)',
    ]);
    expect(diffSchemas(before, alone).map(({ path }) => path)).to.deep.equal([
      'table data_migration',
      'table liminal_things',
    ]);
  });
});

describeOnDatabase('postgres', 'what means the same is no difference', (database) => {
  it('what an extension brings, another schema, and where a schema lies', async () => {
    await using provider = openUntyped(await database.freshUrl());
    const script = scriptOf('postgres');
    const before = await readSchemaOf(provider, script);
    const extended = [
      'create extension hstore',
      'create schema annex',
      'create table annex.items (id integer)',
    ];
    expect(diffSchemas(before, await readSchemaOf(provider, script, extended))).to.deep.equal([]);
    const elsewhere = ['create schema "Other place"', 'set local search_path = "Other place"'];
    expect(diffSchemas(before, await readSchemaOf(provider, elsewhere, script))).to.deep.equal([]);
  });
});

describeOnDatabase('postgres', 'partitions are no difference', (database) => {
  it('nor what hangs on them and on what refers to them', async () => {
    await using provider = openUntyped(await database.freshUrl());
    const script = [
      'create table days (day date primary key) partition by range (day)',
      'create index days_day on days (day)',
      'create table visits (day date references days)',
      `create function touch() returns trigger language plpgsql as 'begin return new; end'`,
      'create trigger days_touch before update on days for each row execute function touch()',
    ];
    const partition = [
      `create table days_2020 partition of days for values from ('2020-01-01') to ('2021-01-01')`,
      'create index days_2020_index on days_2020 (day)',
    ];
    const before = await readSchemaOf(provider, script);
    expect(diffSchemas(before, await readSchemaOf(provider, script, partition))).to.deep.equal([]);
  });
});

describeOnDatabase('sqlite-file', 'what means the same is no difference', (database) => {
  it('a constraint of one column beside it or behind all columns', async () => {
    await using provider = openUntyped(await database.freshUrl());
    const columns = await readSchemaOf(provider, [
      'create table t (a integer primary key, b text unique references t (b) check (b > 0), c text)',
    ]);
    const table = await readSchemaOf(provider, [
      'create table t (c text, a integer, b text, foreign key (b) references t (b) unique (b), check (b > 0) primary key (a))',
    ]);
    expect(diffSchemas(columns, table)).to.deep.equal([]);
  });

  it('but DEFERRABLE counts also behind another constraint of its column', async () => {
    await using provider = openUntyped(await database.freshUrl());
    const column = 'a integer references t (a) not null';
    const now = await readSchemaOf(provider, [`create table t (${column})`]);
    const later = await readSchemaOf(provider, [`create table t (${column} deferrable initially deferred)`]);
    expect(diffSchemas(now, later)).to.have.lengthOf(1);
  });

  it('what a VACUUM and a checkpoint do', async () => {
    await using provider = openUntyped(await database.freshUrl());
    await runScript(provider.db, scriptOf('sqlite-file'));
    const before = await provider.migrations.readSchema(provider.db);
    await provider.exec('vacuum');
    expect(await provider.migrations.readSchema(provider.db)).to.deep.equal(before);
  });
});

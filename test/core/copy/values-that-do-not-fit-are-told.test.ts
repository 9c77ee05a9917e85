import { expect } from 'chai';
import { sql } from 'kysely';
import { BadRowsError } from '../../../src/core/index.ts';
import { copyDatabase, verifyCopy, type BadRow } from '../../../src/core/copy/index.ts';
import { defineMigrationSet } from '../../../src/core/migrate/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { contentOf } from './content-of.ts';
import { useMigrated, type Provider } from './copy-scene.ts';

const set = defineMigrationSet({
  name: 'loose',
  migrations: [
    {
      name: '0001-loose',
      async up(db, t) {
        await t.createTable(
          db,
          'parents',
          (c) => ({ id: c.integer(), body: c.nullable(c.text()), data: c.nullable(c.json()) }),
          { primaryKey: ['id'] },
        );
        await t.createTable(
          db,
          'children',
          (c) => ({
            id: c.integer(),
            parent_id: c.nullable(c.references('parents', { type: c.integer() })),
            token: c.nullable(c.uuid()),
            amount: c.nullable(c.real()),
          }),
          { primaryKey: ['id'] },
        );
        await t.createTable(
          db,
          'grandchildren',
          (c) => ({ id: c.integer(), child_id: c.references('children', { type: c.integer() }) }),
          { primaryKey: ['id'] },
        );
      },
      async down() {},
    },
  ],
});

/** What SQLite lets in when it is asked to, and one good row of each table. */
const statements = [
  `insert into parents (id, body, data) values (1, 'good', '{}'), (2, 'a' || char(0) || 'b', null),
    (3, cast(x'41ff42' as text), null), (4, null, '{"a":"\\u0000"}'), (9007199254740993, 'big', null), (5, char(65533), null)`,
  'pragma ignore_check_constraints = on',
  `insert into parents (id, body, data) values (6, null, 'no json')`,
  'pragma foreign_keys = off',
  `insert into children (id, parent_id, token, amount) values (1, 1, '00000000-0000-7000-8000-000000000001', 1.5),
    (2, 1, 'not a uuid', null), (3, 77, null, null), (4, 2, null, null), (5, null, null, 9e999)`,
  `insert into grandchildren (id, child_id) values (1, 1), (2, 2), (3, 4)`,
];

const expected = [
  'children.parent_id broken-reference 3',
  'children.parent_id broken-reference 4',
  'children.token invalid-uuid 2',
  'grandchildren.child_id broken-reference 2',
  'grandchildren.child_id broken-reference 3',
  'parents.body not-text 3',
  'parents.body nul-in-text 2',
  'parents.data invalid-json 4',
  'parents.data invalid-json 6',
  'parents.id integer-out-of-range 9007199254740993',
];

describeOnDatabase('sqlite-file', 'rows that SQLite had let in', (sqlite) => {
  describeOnDatabase('postgres', 'and do not fit', (postgres) => {
    const migrated = useMigrated([set]);
    const scene = async (): Promise<{ source: Provider; target: Provider }> => {
      const source = await migrated(await sqlite.freshUrl());
      await source.db.connection().execute(async (connection) => {
        for (const statement of statements) {
          await sql.raw(statement).execute(connection);
        }
      });
      return { source, target: await migrated(await postgres.freshUrl()) };
    };
    const tell = ({ table, columns, reason, key }: BadRow) =>
      `${[table, ...columns].join('.')} ${reason} ${Object.values(key).join()}`;

    it('are all told, and nothing is kept', async () => {
      const { source, target } = await scene();
      const told: string[] = [];
      const error = await rejectionOf(
        copyDatabase(source, target, { onBadRow: (row) => told.push(tell(row)) }),
      );
      expect(told.sort()).to.deep.equal(expected);
      expect(error).to.be.an.instanceOf(BadRowsError);
      expect((error as BadRowsError).counts).to.deep.include({
        table: 'children',
        columns: ['parent_id'],
        reason: 'broken-reference',
        rows: 2,
      });
      expect(await contentOf(target)).to.deep.equal({ children: [], grandchildren: [], parents: [] });
      // The target is as it was: the next copy is no resumed one, and foreign keys hold.
      expect((await copyDatabase(source, target, { badRows: 'quarantine' })).resumed).to.equal(false);
      const orphan = await rejectionOf(
        Promise.resolve(target.exec('insert into grandchildren values (9, 9)')),
      );
      expect(orphan).to.have.property('code', 'LIMINAL_FOREIGN_KEY_VIOLATION');
    });

    it('go to quarantine with all that they held, and the rest is proved', async () => {
      const { source, target } = await scene();
      const report = await copyDatabase(source, target, { badRows: 'quarantine' });
      expect(report).to.include({ rows: 5, quarantined: expected.length });
      expect(report.changed).to.deep.equal([]);
      expect(report.tables).to.have.deep.members([
        { table: 'parents', rows: 2, quarantined: 5 },
        { table: 'children', rows: 2, quarantined: 3 },
        { table: 'grandchildren', rows: 1, quarantined: 2 },
      ]);
      const lines = await target.query<{ text: string }>('select text from liminal_copy_quarantine');
      const rows = lines.map(
        ({ text }) => JSON.parse(text) as { reason: string; row: Record<string, unknown> },
      );
      expect(rows.find(({ reason }) => reason === 'nul-in-text')?.row).to.deep.equal({
        id: '2',
        body: 'a\0b',
        data: null,
      });
      expect(rows.find(({ reason }) => reason === 'integer-out-of-range')?.row['id']).to.equal(
        '9007199254740993',
      );
      expect(rows.find(({ reason }) => reason === 'not-text')).to.deep.include({
        row: { id: '3', body: '\\x41ff42', data: null },
        bytes: ['body'],
      });
      expect((await verifyCopy(source, target)).isEqual).to.equal(true);
      await target.exec('delete from liminal_copy_quarantine where name = ?', ['"parents" 2']);
      expect((await verifyCopy(source, target)).isEqual, 'a row that is nowhere').to.equal(false);
    });
  });
});

describeOnDatabase('postgres', 'what Postgres holds', (postgres) => {
  describeOnDatabase('sqlite-file', 'and SQLite does not', (sqlite) => {
    const migrated = useMigrated([set]);

    it('is told: NaN; infinity and a zero with a sign are held', async () => {
      const source = await migrated(await postgres.freshUrl());
      const target = await migrated(await sqlite.freshUrl());
      await source.exec(
        `insert into children (id, amount) values (1, 'NaN'), (2, 'Infinity'), (3, '-Infinity'), (4, '-0'), (5, 5e-324)`,
      );
      const told: BadRow[] = [];
      const report = await copyDatabase(source, target, {
        badRows: 'quarantine',
        onBadRow: (row) => told.push(row),
      });
      expect(told).to.deep.equal([
        { table: 'children', key: { id: '1' }, columns: ['amount'], reason: 'not-a-number' },
      ]);
      expect(report.changed).to.deep.equal([]);
      const rows = await target.query<{ amount: number }>('select amount from children order by id');
      expect(rows.map(({ amount }) => amount)).to.deep.equal([Infinity, -Infinity, 0, 5e-324]);
    });
  });
});

describeOnDatabase('sqlite-file', 'a row that the target alone refuses', (sqlite) => {
  describeOnDatabase('postgres', 'is found among many', (postgres) => {
    const migrated = useMigrated([set]);

    it('and the others are copied', async () => {
      const source = await migrated(await sqlite.freshUrl());
      const target = await migrated(await postgres.freshUrl());
      await target.exec('alter table parents add constraint odd check (id not in (17, 400, 401))');
      const places = Array.from({ length: 500 }, (_, id) => `(${id})`);
      await source.exec(`insert into parents (id) values ${places.join()}`);
      const told: string[] = [];
      const report = await copyDatabase(source, target, {
        badRows: 'quarantine',
        onBadRow: ({ key, reason }) => told.push(`${key['id']} ${reason}`),
      });
      expect(told.sort()).to.deep.equal(['17', '400', '401'].map((id) => `${id} refused-by-target`));
      expect(report).to.include({ rows: 497, quarantined: 3 });
    });
  });
});

import { expect } from 'chai';
import { copyDatabase, verifyCopy } from '../../../src/core/copy/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { useHandMade } from './hand-made.ts';

describeOnDatabase('postgres', 'a copy of one schema', (postgres) => {
  describeOnDatabase('postgres', 'and the tables of another one', (other) => {
    const make = useHandMade();

    it('that it refers to, and that has a namesake of its own, loses no row', async () => {
      const schema = [
        'create schema apart',
        'create table apart.parents (id integer primary key)',
        'insert into apart.parents values (1)',
        'create table parents (id integer primary key)',
        'create table children (id integer primary key, parent_id integer references apart.parents)',
      ];
      const source = await make(await postgres.freshUrl(), [...schema, 'insert into children values (5, 1)']);
      const target = await make(await other.freshUrl(), schema);
      const report = await copyDatabase(source, target, { badRows: 'quarantine' });
      expect(report).to.include({ rows: 1, quarantined: 0 });
    });

    it('that refer to it keep their foreign keys', async () => {
      const schema = [
        'create schema apart',
        'create table parents (id integer primary key)',
        'create table apart.children (parent_id integer references parents)',
      ];
      const source = await make(await postgres.freshUrl(), [...schema, 'insert into parents values (1)']);
      const target = await make(await other.freshUrl(), schema);
      expect(await copyDatabase(source, target)).to.include({ rows: 1 });
      await target.exec('insert into apart.children values (1)');
      const orphan = await target
        .exec('insert into apart.children values (2)')
        .catch((error: unknown) => error);
      expect(orphan).to.have.property('code', 'LIMINAL_FOREIGN_KEY_VIOLATION');
    });
  });
});

describeOnDatabase('postgres', 'a policy that hides rows', (postgres) => {
  describeOnDatabase('sqlite-file', 'from whoever copies them', (sqlite) => {
    const make = useHandMade();

    it('is an error, and leaves none out in silence', async () => {
      const url = await postgres.freshUrl();
      const role = `reader_${new URL(url).pathname.slice(1)}`;
      const owner = await make(url, [
        'create table a (id integer primary key)',
        'insert into a values (1), (2)',
        `create role "${role}" login password 'reads'`,
        `grant select on a to "${role}"`,
        'alter table a enable row level security',
        `create policy few on a using (id = 1)`,
      ]);
      try {
        const reader = new URL(url);
        reader.username = role;
        reader.password = 'reads';
        const source = await make(reader.href, []);
        const target = await make(await sqlite.freshUrl(), ['create table a (id integer primary key)']);
        expect(await source.query('select id from a')).to.have.length(1);
        for (const work of [copyDatabase, verifyCopy]) {
          expect(await rejectionOf(work(source, target))).to.include({ driverCode: '42501' });
        }
        await source.close();
      } finally {
        await owner.exec(`drop owned by "${role}"`);
        await owner.exec(`drop role "${role}"`);
      }
    });
  });
});

describeOnDatabase('postgres', 'what the library keeps in another schema', (postgres) => {
  describeOnDatabase('sqlite-file', 'beside a copy', (sqlite) => {
    const make = useHandMade();
    const schema = ['create table a (id integer primary key)'];
    const apart = [
      'create schema apart',
      'create table apart.liminal_copy (name text primary key, text text)',
      'create table apart.liminal_copy_quarantine (name text primary key, text text)',
      'create table apart.liminal_seeds (name text primary key, ran_at bigint)',
      'create table apart.liminal_backfills (name text primary key)',
      'create table apart.x_migration (name text)',
      'create table apart.x_migration_lock (id text)',
      `insert into apart.x_migration values ('1')`,
    ];

    it('is none of its concern where it reads', async () => {
      const source = await make(await postgres.freshUrl(), [...schema, ...apart, 'insert into a values (1)']);
      const target = await make(await sqlite.freshUrl(), schema);
      expect(await copyDatabase(source, target)).to.include({ rows: 1 });
    });

    it('is none of its concern where it writes', async () => {
      const source = await make(await sqlite.freshUrl(), [...schema, 'insert into a values (1)']);
      const target = await make(await postgres.freshUrl(), [...schema, ...apart]);
      expect(await copyDatabase(source, target)).to.include({ rows: 1 });
      expect((await verifyCopy(source, target)).isEqual).to.equal(true);
    });
  });
});

describeOnDatabase('postgres', 'a policy that hides rows of the target', (postgres) => {
  describeOnDatabase('sqlite-file', 'from whoever copies', (sqlite) => {
    const make = useHandMade();

    it('does not make it an empty one: the rows stay', async () => {
      const url = await postgres.freshUrl();
      const role = `owner_${new URL(url).pathname.slice(1)}`;
      const admin = await make(url, [
        `create role "${role}" login password 'owns'`,
        `grant create on schema public to "${role}"`,
      ]);
      try {
        const owner = new URL(url);
        owner.username = role;
        owner.password = 'owns';
        const schema = 'create table a (id integer primary key)';
        const target = await make(owner.href, [
          schema,
          'insert into a values (7)',
          'alter table a enable row level security',
          'alter table a force row level security',
        ]);
        expect(await target.query('select id from a')).to.deep.equal([]);
        const source = await make(await sqlite.freshUrl(), [schema, 'insert into a values (1)']);
        expect(await rejectionOf(copyDatabase(source, target))).to.include({ driverCode: '42501' });
        expect(await admin.query('select id from a')).to.deep.equal([{ id: 7 }]);
        await target.close();
      } finally {
        await admin.exec(`drop owned by "${role}"`);
        await admin.exec(`drop role "${role}"`);
      }
    });
  });
});

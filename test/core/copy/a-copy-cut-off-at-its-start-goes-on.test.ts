import { expect } from 'chai';
import { sql } from 'kysely';
import { copyDatabase } from '../../../src/core/copy/index.ts';
import { defineMigrationSet, migrateToLatest } from '../../../src/core/migrate/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { contentOf } from './content-of.ts';
import { useProviders } from './copy-scene.ts';

/** A migration that brings rows with it, in a table that would take each of them twice. */
const set = defineMigrationSet({
  name: 'filled',
  migrations: [
    {
      name: '0001-filled',
      async up(db) {
        await sql`create table ranks (place integer)`.execute(db);
        await sql`insert into ranks (place) values (1), (2)`.execute(db);
      },
      async down() {},
    },
  ],
});

describeOnDatabase('sqlite-file', 'a copy', (sqlite) => {
  describeOnDatabase('postgres', 'into a server that has rows of its migrations', (postgres) => {
    const open = useProviders();

    it('takes none of them twice, also where it is cut off before they are away', async () => {
      const url = await postgres.freshUrl();
      const [source, target] = [open(await sqlite.freshUrl()), open({ url, lockTimeout: 1 })];
      await migrateToLatest(source, [set]);
      const done = Promise.withResolvers<void>();
      let reading: Promise<void> | undefined;
      // Whoever reads a table keeps it from being emptied, and from nothing that comes before.
      const migrate = async (): Promise<void> => {
        await migrateToLatest(target, [set]);
        const hasRead = Promise.withResolvers<void>();
        reading = open(url)
          .db.transaction()
          .execute(async (trx) => {
            await sql`select from ranks`.execute(trx);
            hasRead.resolve();
            await done.promise;
          });
        await hasRead.promise;
      };
      const error = await rejectionOf(copyDatabase(source, target, { migrate }));
      expect(error).to.have.property('code', 'LIMINAL_DATABASE_BUSY');
      done.resolve();
      await reading;
      const report = await copyDatabase(source, target, { resume: true, verify: false });
      expect(report).to.include({ rows: 2, resumed: true });
      expect(await contentOf(target)).to.deep.equal(await contentOf(source));
    });
  });
});

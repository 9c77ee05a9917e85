import { expect } from 'chai';
import { CopyRefusedError, ValidationError } from '../../../src/core/index.ts';
import {
  copyDatabase,
  verifyCopy,
  type CopyOptions,
  type CopyProvider,
} from '../../../src/core/copy/index.ts';
import { migrateToLatest } from '../../../src/core/migrate/index.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { chinookMigrations, fillChinook } from './chinook.ts';
import { contentOf } from './content-of.ts';
import { useProviders, type Provider } from './copy-scene.ts';

describeOnDatabase('sqlite-file', 'a copy', (sqlite) => {
  describeOnEachDatabase('into', (other) => {
    const open = useProviders();
    let source: Provider;
    let target: Provider;

    beforeEach(async () => {
      source = open(await sqlite.freshUrl());
      target = open(await other.freshUrl());
      await migrateToLatest(source, [chinookMigrations]);
      await fillChinook(source, 5);
    });

    const refusal = async (options?: CopyOptions): Promise<readonly string[]> => {
      const error = await rejectionOf(copyDatabase(source, target, options));
      expect(error).to.be.an.instanceOf(CopyRefusedError);
      return (error as CopyRefusedError).reasons;
    };

    it('into a database without tables is refused, unless the copy may migrate it', async () => {
      expect(await refusal()).to.deep.equal([
        'The target has no tables. Migrate it first, or let the copy do so.',
      ]);
      let asked: CopyProvider | undefined;
      await copyDatabase(source, target, {
        migrate(to) {
          asked = to;
          return migrateToLatest(target, [chinookMigrations]);
        },
      });
      expect(asked).to.equal(target);
      expect(await contentOf(target)).to.deep.equal(await contentOf(source));
    });

    it('into other migrations is refused', async () => {
      await migrateToLatest(target, [chinookMigrations]);
      await source.exec(`delete from chinook_migration`);
      expect(await refusal()).to.deep.equal([
        'Migration set "chinook" differs: the source has run 0 up to nothing, the target 1 up to 0001-chinook.',
      ]);
    });

    it('into other tables is refused, with all that differs', async () => {
      await migrateToLatest(target, [chinookMigrations]);
      await target.exec('alter table genres add column more integer');
      await target.exec('create table extra (id integer primary key)');
      expect(await refusal()).to.have.members([
        'The source has no table "extra".',
        'The source has no column of table "genres" that is called "more".',
      ]);
    });

    it('into rows is refused, and they stay', async () => {
      await migrateToLatest(target, [chinookMigrations]);
      await target.exec(`insert into genres (genre_id) values (1)`);
      expect(await refusal({ resume: true })).to.deep.equal(['The target has rows already: genres.']);
      expect((await contentOf(target))['genres']).to.have.length(1);
    });

    it('that was broken off is gone on with only where that is said', async () => {
      await migrateToLatest(target, [chinookMigrations]);
      const controller = new AbortController();
      const error = await rejectionOf(
        copyDatabase(source, target, {
          signal: controller.signal,
          onProgress: ({ stage, rows }) => {
            if (stage === 'copy' && rows > 100) controller.abort(new Error('enough'));
          },
        }),
      );
      expect(error).to.have.property('message', 'enough');
      expect(await refusal()).to.deep.equal([
        'A copy into the target was broken off. Go on with it by resume, or make the target anew.',
      ]);
      const report = await copyDatabase(source, target, { resume: true });
      expect(report).to.include({ resumed: true });
      expect(report.copiedAnew, 'the snapshot of SQLite is kept').to.deep.equal([]);
      expect(await contentOf(target)).to.deep.equal(await contentOf(source));
    });

    it('out of one that is not whole itself is refused', async () => {
      await migrateToLatest(target, [chinookMigrations]);
      const half = open(await sqlite.freshUrl());
      await migrateToLatest(half, [chinookMigrations]);
      const controller = new AbortController();
      const broken = copyDatabase(source, half, {
        signal: controller.signal,
        onProgress: ({ stage }) => {
          if (stage === 'copy') controller.abort(new Error('enough'));
        },
      });
      expect(await rejectionOf(broken)).to.have.property('message', 'enough');
      const error = await rejectionOf(copyDatabase(half, target));
      expect(error).to.be.an.instanceOf(CopyRefusedError);
      expect((error as CopyRefusedError).reasons).to.deep.equal([
        'The source is not whole: a copy into it was broken off. Go on with that one first.',
      ]);
      expect((await contentOf(target))['genres']).to.have.length(0);
    });

    it('with options that are none says all of them', async () => {
      const error = await rejectionOf(copyDatabase(source, target, { badRows: 'x', resume: 1 } as never));
      expect(error).to.be.an.instanceOf(ValidationError);
      expect((error as ValidationError).issues.map(({ path }) => path[0])).to.deep.equal([
        'badRows',
        'resume',
      ]);
    });

    it('of an engine that cannot is refused', async () => {
      const stranger = { db: {}, type: 'other', transaction: () => Promise.reject(new Error('no')) };
      expect(await rejectionOf(verifyCopy(source, stranger))).to.be.an.instanceOf(CopyRefusedError);
    });
  });
});

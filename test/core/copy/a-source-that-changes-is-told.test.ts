import { expect } from 'chai';
import { copyDatabase, verifyCopy } from '../../../src/core/copy/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { chinookMigrations, fillChinook } from './chinook.ts';
import { contentOf } from './content-of.ts';
import { useMigrated } from './copy-scene.ts';

for (const name of ['sqlite-file', 'postgres'] as const) {
  describeOnDatabase(name, 'a source that is written to while it is copied', (database) => {
    describeOnDatabase('sqlite-file', 'into', (sqlite) => {
      const migrated = useMigrated([chinookMigrations]);

      it('is copied as it was, and what has changed since is named', async () => {
        const source = await migrated(await database.freshUrl());
        const target = await migrated(await sqlite.freshUrl());
        await fillChinook(source, 11);
        const before = await contentOf(source);
        let writing: Promise<unknown> | undefined;
        const report = await copyDatabase(source, target, {
          // The snapshot is taken when the first portion is read.
          onProgress: ({ stage }) => {
            if (stage === 'copy')
              writing ??= Promise.all([
                source.exec(`update artists set name = 'changed' where artist_id = 2`),
                source.exec('delete from playlist_track where playlist_id = 2'),
                source.exec(`insert into genres (genre_id, name) values (77, 'new')`),
              ]);
          },
        });
        await writing;
        expect(report.changed).to.have.members(['artists', 'playlist_track', 'genres']);
        expect(await contentOf(target)).to.deep.equal(before);
        expect((await verifyCopy(source, target)).isEqual).to.equal(false);
      });
    });
  });
}

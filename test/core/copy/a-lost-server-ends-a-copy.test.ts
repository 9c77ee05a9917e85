import { expect } from 'chai';
import { copyDatabase } from '../../../src/core/copy/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { chinookMigrations, fillChinook } from './chinook.ts';
import { contentOf } from './content-of.ts';
import { useMigrated, type Provider } from './copy-scene.ts';

/** Ends every other session of the database, as a server that is restarted does. */
async function endSessions(server: Provider): Promise<void> {
  await server.exec(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
  );
}

describeOnDatabase('sqlite-file', 'a copy', (sqlite) => {
  describeOnDatabase('postgres', 'whose server goes away', (postgres) => {
    const migrated = useMigrated([chinookMigrations]);

    for (const direction of ['into it', 'out of it'] as const) {
      it(`${direction}, ends with an error and goes on later`, async () => {
        const file = await migrated(await sqlite.freshUrl());
        const server = await migrated(await postgres.freshUrl());
        const [source, target] = direction === 'into it' ? [file, server] : [server, file];
        await fillChinook(source, 31);
        let ending: Promise<void> | undefined;
        const error = await rejectionOf(
          copyDatabase(source, target, {
            onProgress: ({ stage, rows }) => {
              if (stage === 'copy' && rows > 50) ending ??= endSessions(server);
            },
          }),
        );
        await ending;
        expect(error)
          .to.have.property('code')
          .that.matches(/^LIMINAL_/);
        const report = await copyDatabase(source, target, { resume: true });
        expect(report).to.include({ resumed: true });
        expect(await contentOf(target)).to.deep.equal(await contentOf(source));
      });
    }
  });
});

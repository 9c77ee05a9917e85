/** C23: where a path comes from outside, it names one file, and no link leads elsewhere. */
import { expect } from 'chai';
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError, DatabaseProviderFactory, ValidationError } from '../../../src/core/index.ts';
import { createMigrationFile, createSeedFile } from '../../../src/core/migrate/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { makeTempDirectory } from '../../support/temp-directory.ts';

for (const engine of ['sqlite-file', 'sqlite-memory'] as const) {
  describeOnDatabase(engine, 'the target of a backup (C23)', (database) => {
    const withProvider = async (
      work: (backup: (file: string, overwrite?: boolean) => Promise<unknown>) => Promise<void>,
    ) => {
      await using provider = DatabaseProviderFactory.createProvider<object>(await database.freshUrl());
      await provider.exec('create table t (id integer) strict');
      await work((file, overwrite = false) => provider.backup(file, { overwrite }));
    };

    it('is a path and no URI, which could say what it does to the file', () =>
      withProvider(async (backup) => {
        const folder = makeTempDirectory('backup');
        for (const file of [
          'file:a.db',
          'sqlite:a.db',
          `file:${join(folder, 'a.db')}`,
          `FILE:${join(folder, 'a.db')}?mode=memory`,
          `file://${join(folder, 'a.db')}`,
          `sqlite:${join(folder, 'a.db')}`,
          'https://example.org/a.db',
          `${join(folder, 'a.db')}\0.txt`,
          '',
          ':memory:',
        ]) {
          expect(await rejectionOf(backup(file)), file).to.be.instanceOf(ConfigurationError);
        }
        expect(readdirSync(folder)).to.deep.equal([]);
        for (const name of ['file:a.db', 'sqlite:a.db']) expect(existsSync(name), name).to.equal(false);
        // What a URI would read as a question is a part of the name.
        const odd = join(folder, 'a.db?mode=memory');
        await backup(odd);
        expect(readdirSync(folder)).to.deep.equal(['a.db?mode=memory']);
      }));

    it('is not followed where it is a link, whether that leads somewhere or nowhere', () =>
      withProvider(async (backup) => {
        const [folder, elsewhere] = [makeTempDirectory('backup'), makeTempDirectory('elsewhere')];
        const victim = join(elsewhere, 'victim');
        writeFileSync(victim, 'untouched');
        for (const target of [victim, join(elsewhere, 'nowhere')]) {
          const link = join(folder, 'link.db');
          symlinkSync(target, link);
          expect(await rejectionOf(backup(link))).to.be.instanceOf(ConfigurationError);
          expect(readlinkSync(link)).to.equal(target);
          await backup(link, true);
          expect(lstatSync(link).isSymbolicLink()).to.equal(false);
          expect(readFileSync(victim, 'utf8')).to.equal('untouched');
          expect(readdirSync(elsewhere)).to.deep.equal(['victim']);
          await backup(link, true);
          rmSync(link);
        }
      }));

    it('is for its owner alone, whatever the process lets others have', () =>
      withProvider(async (backup) => {
        const file = join(makeTempDirectory('backup'), 'a.db');
        const before = process.umask(0);
        try {
          await backup(file);
        } finally {
          process.umask(before);
        }
        expect(statSync(file).mode & 0o777).to.equal(0o600);
      }));
  });
}

for (const [what, create] of [
  ['migrations', createMigrationFile],
  ['seeds', createSeedFile],
] as const) {
  describe(`the folder of ${what} (C23)`, () => {
    it('is not left by the name of a new file', async () => {
      const root = makeTempDirectory('root');
      const folder = join(root, 'inside');
      for (const name of [
        '../out',
        '..',
        'a/b',
        'a\\b',
        '/etc/x',
        'a\0b',
        '.hidden',
        'a.ts',
        'file:a',
        'A',
        'a%2fb',
      ]) {
        expect(await rejectionOf(create({ folder, name })), name).to.be.instanceOf(ValidationError);
      }
      expect(readdirSync(root)).to.deep.equal([]);
      const { path } = await create({ folder, name: 'fine' });
      expect(path).to.equal(join(folder, '0001-fine.ts'));
      expect(readdirSync(root)).to.deep.equal(['inside']);
    });

    it('is never written through a link that lies in it, nor over a file', async () => {
      const [folder, elsewhere] = [makeTempDirectory('folder'), makeTempDirectory('elsewhere')];
      symlinkSync(join(elsewhere, 'victim.ts'), join(folder, '0001-fine.ts'));
      const { path } = await create({ folder, name: 'fine' });
      expect(path).to.equal(join(folder, '0002-fine.ts'));
      expect(existsSync(join(elsewhere, 'victim.ts'))).to.equal(false);
    });

    it('is a folder and no URL', async () => {
      const root = makeTempDirectory('root');
      const file = join(root, 'file');
      writeFileSync(file, '');
      expect(await rejectionOf(create({ folder: file, name: 'a' }))).to.be.instanceOf(ConfigurationError);
      expect(await rejectionOf(create({ folder: `${root}\0`, name: 'a' }))).to.be.instanceOf(
        ConfigurationError,
      );
    });
  });
}

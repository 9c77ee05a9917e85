import { expect } from 'chai';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigurationError, ValidationError } from '../../../src/core/index.ts';
import { createMigrationFile } from '../../../src/core/migrate/index.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { makeTempDirectory } from '../../support/temp-directory.ts';

describe('a new migration file', () => {
  it('makes its folder and counts from 0001', async () => {
    const folder = join(makeTempDirectory('migrations'), 'new');
    const created = await createMigrationFile({ folder, name: 'add-labels' });
    expect(created).to.deep.equal({
      path: join(folder, '0001-add-labels.ts'),
      name: '0001-add-labels',
      importLine: `import * as m0001 from './0001-add-labels.ts';`,
      entryLine: `{ name: '0001-add-labels', ...m0001 },`,
    });
  });

  it('gets the next number, whatever else lies in the folder', async () => {
    const folder = makeTempDirectory('migrations');
    for (const name of ['0001-a.ts', '0007-b.js', 'index.ts', '9000-notes.txt', '12-c.ts']) {
      writeFileSync(join(folder, name), '');
    }
    expect((await createMigrationFile({ folder, name: 'c' })).name).to.equal('0008-c');
    expect((await createMigrationFile({ folder, name: 'c' })).name).to.equal('0009-c');
  });

  it('cannot be run before it is written', async () => {
    const { path } = await createMigrationFile({ folder: makeTempDirectory('migrations'), name: 'x' });
    const { up, down } = (await import(pathToFileURL(path).href)) as {
      up: () => Promise<void>;
      down: () => Promise<void>;
    };
    expect(String(await rejectionOf(up()))).to.include('0001-x: up is not written yet');
    expect(String(await rejectionOf(down()))).to.include('0001-x: down is not written yet');
  });

  it('imports types alone', async () => {
    const { path } = await createMigrationFile({ folder: makeTempDirectory('migrations'), name: 'x' });
    const imports = readFileSync(path, 'utf8').match(/^import .*/gm) ?? [];
    expect(imports).to.have.lengthOf(2);
    for (const line of imports) expect(line).to.match(/^import type /);
  });

  for (const name of ['', 'Add', 'a b', '../a', 'a/b', '-a', 'a-', 'a--b', 'é', `a${'b'.repeat(100)}`]) {
    it(`is refused the name "${name}"`, async () => {
      const folder = join(makeTempDirectory('migrations'), 'untouched');
      expect(await rejectionOf(createMigrationFile({ folder, name }))).to.be.instanceOf(ValidationError);
    });
  }

  it('is refused where the numbers are used up', async () => {
    const folder = makeTempDirectory('migrations');
    writeFileSync(join(folder, '9999-last.ts'), '');
    expect(await rejectionOf(createMigrationFile({ folder, name: 'a' }))).to.be.instanceOf(
      ConfigurationError,
    );
  });

  it('is refused where the folder is a file, and says which', async () => {
    const folder = join(makeTempDirectory('migrations'), 'file');
    writeFileSync(folder, '');
    const error = await rejectionOf(createMigrationFile({ folder, name: 'a' }));
    expect(error).to.be.instanceOf(ConfigurationError);
    expect(String(error)).to.include(folder);
  });
});

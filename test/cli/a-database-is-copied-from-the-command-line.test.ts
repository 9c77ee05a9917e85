import { expect } from 'chai';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chatMigrations } from '../../migrations/chat/index.ts';
import { legacyMigrations } from '../../migrations/legacy/index.ts';
import { DatabaseProviderFactory } from '../../src/core/index.ts';
import { migrateToLatest } from '../../src/core/migrate/index.ts';
import { describeOnDatabase } from '../support/database.ts';
import { makeTempDirectory } from '../support/temp-directory.ts';
import { runHere } from './run-bin.ts';

const id = (n: number) => `00000000-0000-7000-8000-00000000000${n}`;

describeOnDatabase('sqlite-file', 'liminal-data copy', (sqlite) => {
  describeOnDatabase('postgres', 'into a server', (postgres) => {
    let from: string;
    let to: string;

    beforeEach(async () => {
      from = await sqlite.freshUrl();
      to = await postgres.freshUrl();
      await using provider = DatabaseProviderFactory.createProvider<never>(from);
      await migrateToLatest(provider, [chatMigrations]);
      for (const n of [1, 2, 3]) {
        await provider.exec(
          'insert into context_threads (id, title, next_seq, version, created_at, updated_at) values (?, ?, 1, 1, 1, 1)',
          [id(n), `Thread ${n}`],
        );
      }
      // As a parameter the library would refuse it.
      await provider.exec(`update context_threads set title = 'a' || char(0) where id = ?`, [id(3)]);
    });

    const copy = (...more: readonly string[]) => runHere(['copy', '--from', from, '--to', to, ...more]);
    const verify = (...more: readonly string[]) =>
      runHere(['copy', 'verify', '--from', from, '--to', to, ...more]);

    it('stops with a report of what does not fit, then puts it into quarantine, verified', async () => {
      const folder = makeTempDirectory('copy');
      const [first, second] = [join(folder, 'first.jsonl'), join(folder, 'second.jsonl')];
      const refused = await copy();
      expect(refused).to.include({ code: 1, stdout: '' });
      expect(refused.stderr).to.match(/has no tables/);
      const stopped = await copy('--migrate', '--report', first);
      expect(stopped.code).to.equal(1);
      expect(stopped.stderr).to.match(/^error: Rows do not fit the target.*title: 1 nul-in-text/m);
      const line = {
        table: 'context_threads',
        key: { id: id(3) },
        columns: ['title'],
        reason: 'nul-in-text',
      };
      expect(JSON.parse(readFileSync(first, 'utf8'))).to.deep.equal(line);
      const done = await copy('--on-bad-row', 'quarantine', '--report', second);
      expect(done.code).to.equal(4);
      expect(done.stdout).to.match(
        /^Copied 2 rows of \d+ tables from sqlite .* to postgres .*; 1 in quarantine\.$/m,
      );
      expect(done.stdout).to.include('Verified: both sides hold the same.');
      expect(readFileSync(second, 'utf8')).to.equal(readFileSync(first, 'utf8'));
      expect(await verify()).to.include({ code: 0 });
      await using provider = DatabaseProviderFactory.createProvider<never>(to);
      await provider.exec(`update context_threads set title = 'other' where id = ?`, [id(1)]);
      const { code, stdout } = await verify('--json');
      expect(code).to.equal(3);
      const { tables, isEqual } = JSON.parse(stdout) as {
        tables: { table: string; isEqual: boolean }[];
        isEqual: boolean;
      };
      expect(isEqual).to.equal(false);
      expect(tables.filter((table) => !table.isEqual).map(({ table }) => table)).to.deep.equal([
        'context_threads',
      ]);
    });

    it('takes along what an import of the old application has left in the source', async () => {
      await using provider = DatabaseProviderFactory.createProvider<never>(from);
      await migrateToLatest(provider, [legacyMigrations]);
      await provider.exec('delete from context_threads where id = ?', [id(3)]);
      const done = await copy('--migrate');
      expect(done, done.stderr).to.include({ code: 0 });
      await using target = DatabaseProviderFactory.createProvider<never>(to);
      expect(await target.query('select * from legacy_quarantine')).to.deep.equal([]);
    });

    it('refuses a report whose name is taken before it copies', async () => {
      const report = join(makeTempDirectory('copy'), 'report.jsonl');
      writeFileSync(report, 'kept');
      const refused = await copy('--migrate', '--on-bad-row', 'quarantine', '--report', report);
      expect(refused).to.include({ code: 2, stdout: '' });
      expect(readFileSync(report, 'utf8')).to.equal('kept');
      expect((await copy('--migrate', '--on-bad-row', 'quarantine')).code, 'nothing was copied').to.equal(4);
    });

    it('says where the migrations of an application belong that it does not know', async () => {
      const other = await sqlite.freshUrl();
      await using provider = DatabaseProviderFactory.createProvider<never>(other);
      await provider.exec('create table prices (id integer primary key)');
      const refused = await runHere(['copy', '--from', other, '--to', to, '--migrate']);
      expect(refused).to.include({ code: 1, stdout: '' });
      expect(refused.stderr).to.match(
        /None of the migration sets .*chat.* has run in the source.*liminal\.config\.ts/,
      );
    });

    it('refuses what it cannot understand, and touches nothing', async () => {
      for (const args of [
        ['copy', '--from', from],
        ['copy', 'verify', '--to', to],
        ['copy', '--from', from, '--to', to, '--on-bad-row', 'ignore'],
      ]) {
        expect(await runHere(args), args.join(' ')).to.include({ code: 2, stdout: '' });
      }
      const missing = await runHere(['copy', '--from', 'sqlite:./nowhere.db', '--to', to]);
      expect(missing).to.include({ code: 1, stdout: '' });
    });
  });
});

import Database from 'better-sqlite3';
import { expect } from 'chai';
import { sql } from 'kysely';
import { CopyRefusedError } from '../../../src/core/index.ts';
import { copyDatabase } from '../../../src/core/copy/index.ts';
import { startProgram, type ChildProgram } from '../../support/child-program.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { until } from '../../support/until.ts';
import { contentOf } from './content-of.ts';
import { useProviders, type Provider } from './copy-scene.ts';

const program = new URL('copying-program.ts', import.meta.url);

describeOnDatabase('sqlite-file', 'while a copy is under way', (sqlite) => {
  describeOnDatabase('postgres', 'into a server', (postgres) => {
    const open = useProviders();
    let urls: { readonly from: string; readonly to: string };
    let source: Provider;
    let target: Provider;

    // Nothing but the copy itself would keep a row without a key from being there twice.
    beforeEach(async () => {
      urls = { from: await sqlite.freshUrl(), to: await postgres.freshUrl() };
      [source, target] = [open(urls.from), open(urls.to)];
      for (const side of [source, target]) await side.exec('create table a (x integer)');
      await source.exec('insert into a values (1), (2), (3)');
      const controller = new AbortController();
      await rejectionOf(
        copyDatabase(source, target, {
          signal: controller.signal,
          onProgress: ({ stage }) => {
            if (stage === 'copy') controller.abort(new Error('enough'));
          },
        }),
      );
    });

    const waiting = (count: number) =>
      until(async () => {
        const found = await target.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        );
        return found.length === count;
      });
    const goOn = (): ChildProgram => startProgram(program, [JSON.stringify({ ...urls, resume: true })]);
    /** Holds what a portion notes of itself, which it does when all of its rows have reached the server. */
    const heldUp = <Result>(work: () => Promise<Result>): Promise<Result> =>
      open(urls.to)
        .db.transaction()
        .execute(async (trx) => {
          await sql`select from liminal_copy for update`.execute(trx);
          return work();
        });
    const end = async (child: ChildProgram): Promise<void> => {
      const { code, stderr } = await child.ended;
      expect(code, stderr).to.equal(0);
      expect(await contentOf(target)).to.deep.equal(await contentOf(source));
    };

    it('another one waits no longer than for a lock', async () => {
      const child = await heldUp(async () => {
        const first = goOn();
        await waiting(1);
        const impatient = open({ url: urls.to, lockTimeout: 1 });
        const error = await rejectionOf(copyDatabase(source, impatient, { resume: true }));
        expect(error).to.be.an.instanceOf(CopyRefusedError);
        expect((error as CopyRefusedError).reasons).to.deep.equal([
          'The server still writes what an earlier run has sent. Try again later.',
        ]);
        return first;
      });
      await end(child);
    });

    it('and is killed, the next one waits until the server has done what had reached it', async () => {
      const child = await heldUp(async () => {
        const first = goOn();
        await waiting(1);
        first.kill('SIGKILL');
        await first.ended;
        const second = goOn();
        await waiting(2);
        return second;
      });
      await end(child);
    });

    it('another one takes it over, and the first writes nothing more', async () => {
      const [first, second] = await heldUp(async () => {
        const children = [goOn()];
        await waiting(1);
        children.push(goOn());
        await waiting(2);
        return children;
      });
      const { code, stderr } = await first!.ended;
      expect(code).to.equal(1);
      expect(stderr).to.include('Another run copies into the target now.');
      await end(second!);
    });
  });
});

describeOnDatabase('sqlite-file', 'a copy that another run has taken over', (sqlite) => {
  const open = useProviders();

  it('writes nothing more, and can be gone on with', async () => {
    const url = await sqlite.freshUrl();
    const [source, target] = [open(await sqlite.freshUrl()), open(url)];
    for (const side of [source, target]) await side.exec('create table a (x integer)');
    await source.exec('insert into a values (1), (2), (3)');
    const lost = copyDatabase(source, target, {
      onProgress: ({ stage }) => {
        if (stage !== 'copy') return;
        const other = new Database(url.replace(/^sqlite:/, ''));
        other.exec(`update liminal_copy set text = 'another' where name = 'run'`);
        other.close();
      },
    });
    const error = await rejectionOf(lost);
    expect(error).to.be.an.instanceOf(CopyRefusedError);
    expect((error as CopyRefusedError).reasons).to.deep.equal(['Another run copies into the target now.']);
    expect(await contentOf(target)).to.deep.equal({ a: [] });
    await copyDatabase(source, target, { resume: true });
    expect(await contentOf(target)).to.deep.equal(await contentOf(source));
  });

  it('leaves its snapshot to the one that has the target now', async () => {
    const [from, to] = [await sqlite.freshUrl(), await sqlite.freshUrl()];
    const schema = 'create table a (x integer)';
    const seeds = 'create table liminal_seeds (name text primary key, ran_at bigint)';
    const [source, target] = [open(from), open(to)];
    for (const statement of [schema, seeds, `insert into liminal_seeds values ('s', 1)`])
      await source.exec(statement);
    await source.exec(`insert into a values ('x'), (2)`);
    await target.exec(schema);
    const [isThere, isOver] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    // Both are done with all rows when they tell of the one that does not fit.
    const next = () =>
      copyDatabase(open(from), open(to), {
        resume: true,
        badRows: 'quarantine',
        onBadRow() {
          isThere.resolve();
          return isOver.promise;
        },
      });
    let second: ReturnType<typeof next> | undefined;
    const first = copyDatabase(source, target, {
      badRows: 'quarantine',
      async onBadRow() {
        second = next();
        await Promise.race([isThere.promise, second]);
      },
    });
    expect(await rejectionOf(first)).to.be.an.instanceOf(CopyRefusedError);
    isOver.resolve();
    expect(await second).to.deep.include({ rows: 1, quarantined: 1, changed: [] });
    expect(await target.query('select name from liminal_seeds')).to.deep.equal([{ name: 's' }]);
  });
});

describeOnDatabase('sqlite-file', 'a copy that another run has brought to its end', (sqlite) => {
  describeOnEachDatabase('into', (other) => {
    const open = useProviders();

    it('says that it has lost the target', async () => {
      const [source, target] = [open(await sqlite.freshUrl()), open(await other.freshUrl())];
      for (const side of [source, target]) await side.exec('create table a (x integer)');
      await source.exec(`insert into a values ('x'), (2)`);
      const lost = copyDatabase(source, target, {
        badRows: 'quarantine',
        onBadRow: async () =>
          void (await copyDatabase(source, target, { resume: true, badRows: 'quarantine' })),
      });
      const error = await rejectionOf(lost);
      expect(error).to.be.an.instanceOf(CopyRefusedError);
      expect((error as CopyRefusedError).reasons).to.deep.equal(['Another run copies into the target now.']);
      expect(await contentOf(target)).to.deep.include({ a: ['number 2'] });
    });
  });
});

import { expect } from 'chai';
import { readSourceRows } from '../../../src/chat/legacy/proof/source-content.ts';
import { DatabaseProviderFactory } from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { changeLegacyDatabase, makeLegacyDatabase } from './legacy-files.ts';
import { importFrom, openTarget, quarantineOf } from './legacy-target.ts';

/** Where rows may lie: SQLite numbers them by 64 bits, and by any of them where the last number is taken. */
const rowids = [-(2n ** 63n), -(2n ** 53n) - 2n, -1n, 0n, 7n, 2n ** 53n + 1n, 2n ** 53n + 2n, 2n ** 63n - 1n];

/** A legacy database in which rows of both tables lie there, each with something that is mended. */
function makeSource(): string {
  const file = makeLegacyDatabase({});
  changeLegacyDatabase(file, (database) => {
    const thread = database.prepare(
      `insert into context_threads (rowid, id, title, created_at, updated_at, messages) values (?, ?, ?, 1747000000000, -1, '[]')`,
    );
    const user = database.prepare(
      'insert into users (rowid, id, email, created_at, updated_at) values (?, ?, ?, 1747000000000, -1)',
    );
    for (const [index, rowid] of rowids.entries()) {
      thread.run(rowid, `thread-${index}`, `thread ${index}`);
      user.run(rowid, `user-${index}`, `user${index}@example.org`);
    }
  });
  return file;
}

describe('a record of a legacy database', () => {
  it('is read for the proof wherever it lies', async () => {
    await using provider = DatabaseProviderFactory.createProvider<unknown>({
      type: 'sqlite',
      connection: { filename: makeSource() },
    });
    for (const size of [1, 3, 100]) {
      const found: string[] = [];
      for await (const rows of readSourceRows(provider.db, 'users', size)) {
        expect(rows.length).to.be.within(1, size);
        found.push(...rows.map(({ rowid }) => rowid));
      }
      expect(found).to.deep.equal(rowids.map(String));
    }
  });
});

describeOnEachDatabase('a record of a legacy database', (database) => {
  it('comes in and is named wherever it lies, and an import goes on behind it', async () => {
    const source = makeSource();
    await using store = await openTarget(await database.freshUrl());
    for (let runs = 1; ; runs += 1) {
      const stop = new Error('stopped by the test');
      try {
        // Each run ends behind one more record.
        const { proof } = await importFrom(store, [source], {
          batchSize: 1,
          onProgress: ({ stage, done }) => {
            if (stage === 'import' && done === runs) throw stop;
          },
        });
        expect(runs).to.be.greaterThan(2 * rowids.length);
        expect(proof.differences, proof.examples.join('; ')).to.equal(0);
        break;
      } catch (error) {
        if (error !== stop) throw error;
      }
    }
    const titles = rowids.map((_, index) => `thread ${index}`);
    const threads = await store.threads.findMany({}, { orderBy: 'title' });
    expect(threads.map(({ title }) => title)).to.deep.equal(titles);
    expect(await store.users.count({})).to.equal(rowids.length);
    const places = (await quarantineOf(store)).map(({ table, rowid }) => `${table} ${rowid}`);
    const expected = ['users', 'context_threads'].flatMap((table) =>
      rowids.map((rowid) => `${table} ${rowid}`),
    );
    expect(places).to.have.members(expected);
  });
});

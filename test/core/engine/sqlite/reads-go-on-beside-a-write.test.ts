import { expect } from 'chai';
import { sql } from 'kysely';
import {
  DatabaseProviderFactory,
  NestedAcquireError,
  ReadOnlyDatabaseError,
  outside,
  type DatabaseProvider,
} from '../../../../src/core/index.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { until } from '../../../support/until.ts';

interface Tables {
  notes: { id: number; text: string };
}

describeOnDatabase('sqlite-file', 'reads go on beside a write', (database) => {
  let provider: DatabaseProvider<Tables>;

  beforeEach(async () => {
    provider = DatabaseProviderFactory.createProvider<Tables>(await database.freshUrl());
    await provider.exec('create table notes (id integer primary key, text text not null) strict');
  });

  afterEach(() => provider.close());

  const add = (id: number) => outside(() => provider.exec("insert into notes values (?, 'x')", [id]));
  const count = async (db = provider.db) => {
    const { rows } = await sql<{ n: number }>`select count(*) as n from notes`.execute(db);
    return rows[0]?.n;
  };

  it('transaction, and never see it before its commit', async () => {
    await provider.transaction(async (tx) => {
      await tx.insertInto('notes').values({ id: 1, text: 'a' }).execute();
      for (let index = 0; index < 20; index += 1) {
        expect(await outside(() => count())).to.equal(0);
        expect(await outside(() => provider.query('select id from notes'))).to.deep.equal([]);
      }
      expect(await count(tx)).to.equal(1);
    });
    expect(await count()).to.equal(1);
  });

  it('transaction, while a write of the same work that would wait for the writer is told so', async () => {
    const outcome = provider.transaction(() => add(1));
    expect(await rejectionOf(outcome)).to.be.instanceOf(NestedAcquireError);
  });

  it('and a read-only transaction sees one snapshot', async () => {
    await add(1);
    await provider.transaction(
      async (tx) => {
        expect(await count(tx)).to.equal(1);
        await add(2);
        expect(await outside(() => count())).to.equal(2);
        expect(await count(tx)).to.equal(1);
      },
      { readOnly: true },
    );
    const write = provider.transaction(
      (tx) => tx.insertInto('notes').values({ id: 3, text: 'a' }).execute(),
      {
        readOnly: true,
      },
    );
    expect(await rejectionOf(write)).to.be.instanceOf(ReadOnlyDatabaseError);
    expect(await count()).to.equal(2);
    expect(provider.stats()).to.include({ busy: 0 });
  });

  it('and so does a stream, whose loop may write', async () => {
    for (let id = 1; id <= 50; id += 1) await add(id);
    const seen: number[] = [];
    for await (const { id } of provider.db.selectFrom('notes').select('id').orderBy('id').stream(10)) {
      seen.push(id);
      await add(id + 100);
    }
    expect(seen).to.deep.equal(Array.from({ length: 50 }, (_, index) => index + 1));
    expect(await count()).to.equal(100);
    expect(provider.stats()).to.include({ busy: 0 });
  });

  it('and a stream that is left early, or fails, gives its reader back', async () => {
    for (let id = 1; id <= 5; id += 1) await add(id);
    for await (const _ of provider.db.selectFrom('notes').selectAll().stream(1)) break;
    expect(provider.stats()).to.include({ busy: 0 });
    const failing = sql`select 9007199254740993 as big from notes`.compile(provider.db);
    const read = async () => {
      for await (const _ of provider.db.getExecutor().stream(failing, 1)) continue;
    };
    await rejectionOf(read());
    expect(provider.stats()).to.include({ busy: 0 });
    await add(6);
  });

  it('and readers are opened as they are needed, up to pool.max', async () => {
    expect(provider.stats().size).to.equal(1);
    await Promise.all(Array.from({ length: 64 }, () => count()));
    expect(provider.stats().size).to.equal(2);
    const gate = Promise.withResolvers<void>();
    const held = Array.from({ length: 9 }, () =>
      provider.transaction(
        async (tx) => {
          await count(tx);
          await gate.promise;
        },
        { readOnly: true },
      ),
    );
    const tenth = provider.transaction((tx) => count(tx), { readOnly: true });
    await until(() => provider.stats().size === 10);
    await add(1);
    expect(provider.stats()).to.include({ size: 10, waiting: 1, max: 10 });
    gate.resolve();
    await Promise.all([...held, tenth]);
  });
});

// Security check: C27.
import { expect } from 'chai';
import { sql } from 'kysely';
import pg from 'pg';
import { DatabaseProviderFactory, type DatabaseProvider } from '../../../src/core/index.ts';
import { AuditLog, auditMigrations } from '../../../src/core/audit/index.ts';
import { Migrator } from '../../../src/core/migrate/index.ts';
import type { AuditTables } from '../../../src/core/audit/audit-tables.ts';
import { withMaintenance } from '../../../src/core/audit/maintenance.ts';
import { sealSegment } from '../../../src/core/audit/segment.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { auditKeys, openAuditDatabase, readRows } from './audit-fixture.ts';

const keys = auditKeys();

async function writeFour(provider: DatabaseProvider<AuditTables>): Promise<void> {
  const log = new AuditLog(provider, { keys });
  await provider.transaction(async (tx) => {
    for (const id of ['1', '2', '3', '4']) {
      await log.record(tx, { action: id === '2' ? 'audit.erase' : 'update', reason: `of ${id}` });
    }
  });
}

/** Stands for the rows up to a place. */
async function cover(tx: DatabaseProvider<AuditTables>['db'], toSeq: number): Promise<void> {
  const rows = await readRows({ db: tx });
  const segment = sealSegment(keys, {
    stream: 'audit',
    fromSeq: 1,
    toSeq,
    prevHash: rows[0]!.prev_hash,
    lastHash: rows[toSeq - 1]!.hash,
    purgedAt: 1,
  });
  await tx.insertInto('audit_segments').values(segment).execute();
}

const refusal = /rows of audit_(?:logs|segments) are not changed and not deleted/u;

describeOnEachDatabase('the trail is append-only', (database) => {
  let provider: DatabaseProvider<AuditTables>;

  beforeEach(async () => {
    provider = await openAuditDatabase(await database.freshUrl());
    await writeFour(provider);
  });
  afterEach(() => provider.close());

  async function expectRefused(attempt: () => Promise<unknown>): Promise<void> {
    const before = await readRows(provider);
    expect(await rejectionOf(attempt()))
      .to.be.instanceOf(Error)
      .and.have.property('message')
      .that.matches(refusal);
    expect(await readRows(provider)).to.deep.equal(before);
  }

  it('no row is changed, deleted or put in the place of another', async () => {
    const { db } = provider;
    const [row] = await readRows(provider);
    await expectRefused(() => db.updateTable('audit_logs').set({ action: 'other' }).execute());
    await expectRefused(() =>
      db.updateTable('audit_logs').set({ content: null }).where('seq', '=', 1).execute(),
    );
    await expectRefused(() => db.deleteFrom('audit_logs').where('seq', '=', 4).execute());
    await expectRefused(() =>
      db
        .insertInto('audit_logs')
        .values({ ...row!, action: 'other' })
        .onConflict((conflict) => conflict.columns(['stream', 'seq']).doUpdateSet({ action: 'other' }))
        .execute(),
    );
  });

  it('nor a summary of what was purged', async () => {
    await provider.transaction((tx) => cover(tx, 2));
    const { db } = provider;
    await expectRefused(() => db.updateTable('audit_segments').set({ to_seq: 3 }).execute());
    await expectRefused(() => db.deleteFrom('audit_segments').execute());
    await expectRefused(() =>
      provider.transaction((tx) => withMaintenance(tx, () => tx.deleteFrom('audit_segments').execute())),
    );
  });

  const underMaintenance = (change: (tx: DatabaseProvider<AuditTables>['db']) => Promise<unknown>) =>
    provider.transaction((tx) => withMaintenance(tx, () => change(tx)));

  it('and maintenance erases contents alone, but of what explains erasures', async () => {
    await expectRefused(() =>
      underMaintenance((tx) => tx.updateTable('audit_logs').set({ action: 'other' }).execute()),
    );
    await expectRefused(() =>
      underMaintenance((tx) =>
        tx.updateTable('audit_logs').set({ content: null, hash: 'f' }).where('seq', '=', 1).execute(),
      ),
    );
    await expectRefused(() =>
      underMaintenance((tx) =>
        tx.updateTable('audit_logs').set({ content: '{}' }).where('seq', '=', 1).execute(),
      ),
    );
    await expectRefused(() =>
      underMaintenance((tx) =>
        tx.updateTable('audit_logs').set({ content: null }).where('seq', '=', 2).execute(),
      ),
    );
    await underMaintenance((tx) =>
      tx.updateTable('audit_logs').set({ content: null }).where('seq', '=', 1).execute(),
    );
    expect((await readRows(provider)).map(({ content }) => content === null)).to.deep.equal([
      true,
      false,
      false,
      false,
    ]);
  });

  it('and deletes what a summary covers alone, and never the newest of a chain', async () => {
    const remove = (seq: number) => (tx: DatabaseProvider<AuditTables>['db']) =>
      tx.deleteFrom('audit_logs').where('seq', '=', seq).execute();
    await expectRefused(() => underMaintenance(remove(1)));
    await provider.transaction((tx) => cover(tx, 4));
    await expectRefused(() => underMaintenance(remove(4)));
    await expectRefused(() => underMaintenance(remove(2)));
    await expectRefused(() => provider.transaction(remove(1)));
    await underMaintenance(remove(1));
    expect((await readRows(provider)).map(({ seq }) => seq)).to.deep.equal([2, 3, 4]);
  });

  it('the migration does not go down over it', async () => {
    const error = await rejectionOf(new Migrator(provider, auditMigrations).down());
    expect((error as Error).cause)
      .to.have.property('message')
      .that.matches(/has entries/u);
    expect(await readRows(provider)).to.have.lengthOf(4);
  });

  it('a switch that is left on is refused at the commit, and everything with it', async () => {
    const attempt = provider.transaction(async (tx) => {
      await tx.insertInto('audit_maintenance').values({ state: 'on', until: 'off' }).execute();
      await tx.updateTable('audit_logs').set({ content: null }).where('seq', '=', 1).execute();
    });
    expect(await rejectionOf(attempt)).to.include({ code: 'LIMINAL_FOREIGN_KEY_VIOLATION' });
    expect((await readRows(provider))[0]!.content).not.to.equal(null);
  });
});

for (const name of ['sqlite-file', 'sqlite-memory'] as const) {
  describeOnDatabase(name, 'REPLACE, which fires no trigger of DELETE', (database) => {
    it('is refused by every key of the table', async () => {
      await using provider = await openAuditDatabase(await database.freshUrl());
      await writeFour(provider);
      const [row] = await readRows(provider);
      const id = '00000000-0000-7000-8000-000000000000';
      for (const change of [
        { ...row!, id, action: 'other' },
        { ...row!, seq: 9, action: 'other' },
        { ...row!, id, seq: 9, rowid: 2 },
      ]) {
        const columns = Object.keys(change);
        const attempt = provider.query(
          `insert or replace into audit_logs (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`,
          Object.values(change),
        );
        expect(await rejectionOf(attempt))
          .to.have.property('message')
          .that.matches(refusal);
      }
      expect(await readRows(provider)).to.have.lengthOf(4);
    });
  });
}

describeOnDatabase('postgres', 'the role of the application', (database) => {
  it('gets no further, by TRUNCATE, by tables of its own, nor by the switch that it may not throw', async () => {
    const url = await database.freshUrl();
    await using provider = await openAuditDatabase(url);
    await writeFour(provider);
    const role = `liminal_app_${process.pid}`;
    const place = await makeRole(provider, url, role, 'grant all on audit_logs, audit_segments');
    const client = new pg.Client({ connectionString: place.href });
    await client.connect();
    try {
      const failureOf = async (statement: string) => {
        const error = await rejectionOf(client.query(statement));
        return (error as Error).message;
      };
      for (const statement of [
        `update audit_logs set action = 'other'`,
        'delete from audit_logs',
        'truncate audit_logs',
        'truncate audit_logs, audit_segments cascade',
      ]) {
        expect(await failureOf(statement), statement).to.match(
          /are not changed and not deleted|permission denied/u,
        );
      }
      // A table of its own must not stand for that of the switch.
      await client.query(`create temporary table audit_maintenance as select 'on' as state`);
      expect(await failureOf(`update audit_logs set content = null where seq = 1`)).to.match(
        /permission denied/u,
      );
      await client.query('drop table audit_maintenance');
      expect(await failureOf(`insert into audit_maintenance values ('on', 'off')`)).to.match(
        /permission denied/u,
      );
    } finally {
      await client.end();
    }
    expect(await readRows(provider)).to.have.lengthOf(4);
    await dropRole(provider, role);
  });

  it('needs no more than to read and to insert', async () => {
    const url = await database.freshUrl();
    await using owner = await openAuditDatabase(url);
    const role = `liminal_writer_${process.pid}`;
    const place = await makeRole(owner, url, role, 'grant select, insert on audit_logs');
    await using provider = DatabaseProviderFactory.createProvider<AuditTables>(place.href);
    await writeFour(provider);
    await writeFour(provider);
    const change = provider.exec(`update audit_logs set action = 'other'`);
    expect(await rejectionOf(change)).to.deep.include({ driverCode: '42501' });
    expect(await readRows(owner)).to.have.lengthOf(8);
    await provider.close();
    await dropRole(owner, role);
  });
});

async function makeRole(
  provider: DatabaseProvider<AuditTables>,
  url: string,
  role: string,
  grant: string,
): Promise<URL> {
  await sql.raw(`create role ${role} login password 'app'`).execute(provider.db);
  await sql.raw(`${grant} to ${role}`).execute(provider.db);
  const place = new URL(url);
  place.username = role;
  place.password = 'app';
  return place;
}

async function dropRole(provider: DatabaseProvider<AuditTables>, role: string): Promise<void> {
  await sql.raw(`drop owned by ${role}`).execute(provider.db);
  await sql.raw(`drop role ${role}`).execute(provider.db);
}

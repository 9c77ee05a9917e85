import { expect } from 'chai';
import { AuditLog, audited, type AuditedCascade } from '../../../src/core/audit/index.ts';
import type { AuditTables } from '../../../src/core/audit/audit-tables.ts';
import { Repository, ValidationError, type DatabaseProvider } from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { auditKeys, openAuditDatabase } from './audit-fixture.ts';

interface Folder {
  readonly id: string;
}

interface Page {
  readonly id: string;
  /** Falls back to the inbox. */
  readonly folder_id: string;
  /** Becomes NULL. */
  readonly seen_in: string | null;
}

/** Its key is its folder, which falls back to the inbox. */
interface Cover {
  readonly folder_id: string;
}

interface Tables extends AuditTables {
  folders: Folder;
  pages: Page;
  covers: Cover;
}

function foldersOf(provider: DatabaseProvider<Tables>) {
  return new Repository<Tables, 'folders', Folder>(provider, {
    table: 'folders',
    key: 'id',
    columns: { id: 'text' },
    mapper: { fromRow: (row) => ({ ...row }), toRow: (folder) => folder },
  });
}

function pagesOf(provider: DatabaseProvider<Tables>) {
  return new Repository<Tables, 'pages', Page>(provider, {
    table: 'pages',
    key: 'id',
    columns: { id: 'text', folder_id: 'text', seen_in: 'text?' },
    mapper: { fromRow: (row) => ({ ...row }), toRow: (page) => page },
  });
}

function coversOf(provider: DatabaseProvider<Tables>) {
  return new Repository<Tables, 'covers', Cover, unknown, 'folder_id'>(provider, {
    table: 'covers',
    key: 'folder_id',
    columns: { folder_id: 'text' },
    mapper: { fromRow: (row) => ({ ...row }), toRow: (cover) => cover },
  });
}

async function openTables(url: string): Promise<DatabaseProvider<Tables>> {
  const provider = (await openAuditDatabase(url)) as unknown as DatabaseProvider<Tables>;
  const { db, migrations } = provider;
  const folders = migrations.columns.table('folders');
  await db.schema
    .createTable('folders')
    .addColumn('id', folders.text('id'), (column) => column.primaryKey().notNull())
    .modifyEnd(folders.end)
    .execute();
  const pages = migrations.columns.table('pages');
  await db.schema
    .createTable('pages')
    .addColumn('id', pages.text('id'), (column) => column.primaryKey().notNull())
    .addColumn('folder_id', pages.text('folder_id'), (column) =>
      column.notNull().defaultTo('inbox').references('folders.id').onDelete('set default'),
    )
    .addColumn('seen_in', pages.text('seen_in'), (column) =>
      column.references('folders.id').onDelete('set null'),
    )
    .modifyEnd(pages.end)
    .execute();
  const covers = migrations.columns.table('covers');
  await db.schema
    .createTable('covers')
    .addColumn('folder_id', covers.text('folder_id'), (column) =>
      column.primaryKey().notNull().defaultTo('inbox').references('folders.id').onDelete('set default'),
    )
    .modifyEnd(covers.end)
    .execute();
  return provider;
}

describeOnEachDatabase('what falls back to a default is recorded', (database) => {
  let provider: DatabaseProvider<Tables>;
  let log: AuditLog;

  const within = (cascades: readonly AuditedCascade[]) =>
    audited(foldersOf(provider), { log, entity: 'folder', cascades });
  const pages = (column = 'folder_id'): AuditedCascade => ({ of: pagesOf(provider), column, entity: 'page' });
  const issuesOf = async (folders: ReturnType<typeof within>): Promise<readonly string[]> => {
    const error = await rejectionOf(folders.deleteById('done'));
    expect(error).to.be.instanceOf(ValidationError);
    return (error as ValidationError).issues.map(({ path, message }) => `${path.join('.')} ${message}`);
  };

  beforeEach(async () => {
    provider = await openTables(await database.freshUrl());
    log = new AuditLog(provider, { keys: auditKeys() });
    for (const id of ['inbox', 'done']) await foldersOf(provider).insert({ id });
    for (const [id, folder_id, seen_in] of [
      ['one', 'done', null],
      ['two', 'done', 'done'],
      ['three', 'inbox', 'done'],
      ['four', 'inbox', 'inbox'],
    ] as const)
      await pagesOf(provider).insert({ id, folder_id, seen_in });
  });
  afterEach(() => provider.close());

  it('as an update with what it was and what it is', async () => {
    await within([pages(), pages('seen_in')]).deleteById('done');
    const { items } = await log.trail({ action: 'update' });
    expect(
      items.map(({ entity, changes, metadata }) => [entity?.id, changes, metadata]),
    ).to.have.deep.members(
      [
        ['one', [{ field: 'folder_id', old: 'done', new: 'inbox' }]],
        [
          'two',
          [
            { field: 'folder_id', old: 'done', new: 'inbox' },
            { field: 'seen_in', old: 'done', new: null },
          ],
        ],
        ['three', [{ field: 'seen_in', old: 'done', new: null }]],
      ].map((told) => [...told, { cascade: { entity: 'folder', id: 'done' } }]),
    );
    expect(await pagesOf(provider).count({ folder_id: 'inbox' })).to.equal(4);
  });

  it('and one that is left out is refused where its table is audited', async () => {
    audited(pagesOf(provider), { log, entity: 'page' });
    expect(await issuesOf(within([pages('seen_in')]))).to.satisfy(
      ([issue, ...others]: readonly string[]) =>
        others.length === 0 && /^cascades leave out "pages\.folder_id".*default.*"folders\.id"/u.test(issue!),
    );
  });

  it('and one whose key falls back is refused: nobody could find its row again', async () => {
    const covers = { of: coversOf(provider), column: 'folder_id', entity: 'cover' };
    const issues = await issuesOf(within([pages(), covers]));
    expect(issues).to.have.length(1);
    expect(issues[0]).to.match(/^cascades\.1 .*"covers\.folder_id"/u);
    expect(await foldersOf(provider).count({})).to.equal(2);
  });
});

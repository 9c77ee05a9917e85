import { expect } from 'chai';
import { AuditLog, audited, type AuditedCascade } from '../../../src/core/audit/index.ts';
import type { AuditTables } from '../../../src/core/audit/audit-tables.ts';
import { Repository, ValidationError, type DatabaseProvider } from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { auditKeys, openAuditDatabase } from './audit-fixture.ts';

interface Folder {
  readonly id: string;
  /** Its rows go with those above them. */
  readonly above: string | null;
}

interface Page {
  readonly id: string;
  /** Both become NULL. */
  readonly folder_id: string | null;
  readonly draft_of: string | null;
  /** The page goes with it. */
  readonly part_of: string | null;
  readonly title: string;
}

interface Tables extends AuditTables {
  folders: Folder;
  pages: Page;
}

function foldersOf(provider: DatabaseProvider<Tables>) {
  return new Repository<Tables, 'folders', Folder>(provider, {
    table: 'folders',
    key: 'id',
    columns: { id: 'uuid', above: 'uuid?' },
    mapper: { fromRow: (row) => ({ ...row }), toRow: (folder) => folder },
  });
}

function pagesOf(provider: DatabaseProvider<Tables>) {
  return new Repository<Tables, 'pages', Page>(provider, {
    table: 'pages',
    key: 'id',
    // No update of the repository writes it.
    insertOnly: ['draft_of'],
    columns: { id: 'uuid', folder_id: 'uuid?', draft_of: 'uuid?', part_of: 'uuid?', title: 'text' },
    mapper: { fromRow: (row) => ({ ...row }), toRow: (page) => page },
  });
}

async function openTables(url: string): Promise<DatabaseProvider<Tables>> {
  const provider = (await openAuditDatabase(url)) as unknown as DatabaseProvider<Tables>;
  const { db, migrations } = provider;
  const folders = migrations.columns.table('folders');
  await db.schema
    .createTable('folders')
    .addColumn('id', folders.uuid('id'), (column) => column.primaryKey().notNull())
    .addColumn('above', folders.uuid('above'), (column) =>
      column.references('folders.id').onDelete('cascade'),
    )
    .modifyEnd(folders.end)
    .execute();
  const pages = migrations.columns.table('pages');
  await db.schema
    .createTable('pages')
    .addColumn('id', pages.uuid('id'), (column) => column.primaryKey().notNull())
    .addColumn('folder_id', pages.uuid('folder_id'), (column) =>
      column.references('folders.id').onDelete('set null'),
    )
    .addColumn('draft_of', pages.uuid('draft_of'), (column) =>
      column.references('folders.id').onDelete('set null'),
    )
    .addColumn('part_of', pages.uuid('part_of'), (column) =>
      column.references('folders.id').onDelete('cascade'),
    )
    .addColumn('title', pages.text('title'), (column) => column.notNull())
    .modifyEnd(pages.end)
    .execute();
  return provider;
}

const idOf = (place: number) => `0000000${place}-aaaa-4bbb-8ccc-dddddddddddd`;

describeOnEachDatabase('declared cascades are those of the database', (database) => {
  let provider: DatabaseProvider<Tables>;
  let log: AuditLog;

  const within = (cascades: readonly AuditedCascade[]) =>
    audited(foldersOf(provider), { log, entity: 'folder', cascades });
  const self = (): AuditedCascade => ({ of: foldersOf(provider), column: 'above', entity: 'folder' });
  const pages = (column = 'folder_id'): AuditedCascade => ({ of: pagesOf(provider), column, entity: 'page' });
  const issuesOf = async (folders: ReturnType<typeof within>): Promise<readonly string[]> => {
    const error = await rejectionOf(folders.deleteById(idOf(1)));
    expect(error).to.be.instanceOf(ValidationError);
    return (error as ValidationError).issues.map(({ path, message }) => `${path.join('.')} ${message}`);
  };

  beforeEach(async () => {
    provider = await openTables(await database.freshUrl());
    log = new AuditLog(provider, { keys: auditKeys() });
    for (const [place, above] of [
      [1, null],
      [2, idOf(1)],
      [3, idOf(2)],
    ] as const)
      await foldersOf(provider).insert({ id: idOf(place), above });
    for (const [place, folder, draft, part] of [
      [4, 1, 3, null],
      [5, 2, null, null],
      [6, 1, null, 3],
    ] as const) {
      await pagesOf(provider).insert({
        id: idOf(place),
        folder_id: idOf(folder),
        draft_of: draft && idOf(draft),
        part_of: part && idOf(part),
        title: 't',
      });
    }
  });
  afterEach(() => provider.close());

  it('what is deleted along, however deep, and what is set to NULL, with what it was', async () => {
    audited(pagesOf(provider), { log, entity: 'page' });
    await within([pages(), pages('draft_of'), self(), pages('part_of')]).deleteById(idOf(1));
    const { items } = await log.trail({});
    const told = items.map(({ action, entity, changes, metadata }) => [
      action,
      entity?.id,
      action === 'update' ? changes : changes.find(({ field }) => field === 'above')?.old,
      metadata?.['cascade'] !== undefined,
    ]);
    expect(told).to.have.deep.members([
      ['delete', idOf(1), null, false],
      ['delete', idOf(2), idOf(1), true],
      ['delete', idOf(3), idOf(2), true],
      // Of what is set to NULL by one way and deleted by another, the delete alone.
      ['delete', idOf(6), undefined, true],
      [
        'update',
        idOf(4),
        [
          { field: 'folder_id', old: idOf(1), new: null },
          { field: 'draft_of', old: idOf(3), new: null },
        ],
        true,
      ],
      ['update', idOf(5), [{ field: 'folder_id', old: idOf(2), new: null }], true],
    ]);
    expect(await pagesOf(provider).count({ title: 't' })).to.equal(2);
  });

  it('one that is none is refused, and names both', async () => {
    const issues = await issuesOf(within([self(), pages('title')]));
    expect(issues).to.have.length(1);
    expect(issues[0]).to.match(/^cascades\.1 names "pages\.title".*"folders\.id"/u);
    expect(await foldersOf(provider).count({})).to.equal(3);
  });

  it('one that is left out is refused where its table is audited, and names both', async () => {
    const folders = within([self(), pages(), pages('part_of')]);
    await folders.deleteById(idOf(3));
    audited(pagesOf(provider), { log, entity: 'page' });
    const issues = await issuesOf(folders);
    expect(issues).to.have.length(1);
    expect(issues[0]).to.match(/^cascades leave out "pages\.draft_of".*NULL.*"folders\.id"/u);
    expect(await issuesOf(within([pages(), pages('draft_of'), pages('part_of')]))).to.have.length(1);
    expect(await foldersOf(provider).count({})).to.equal(2);
  });
});

import { expect } from 'chai';
import { AuditLog, audited, type AuditedCascade } from '../../../src/core/audit/index.ts';
import type { AuditTables } from '../../../src/core/audit/audit-tables.ts';
import { Repository, ValidationError, type DatabaseProvider } from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { auditKeys, openAuditDatabase } from './audit-fixture.ts';

interface Topic {
  readonly tenant: string;
  readonly id: string;
}

interface Note {
  readonly id: string;
  readonly tenant: string;
  readonly topic_id: string | null;
  /** The note goes with that topic as well. */
  readonly copy_of: string | null;
}

/** Its key is that of its topic, and its place. */
interface Line {
  readonly tenant: string;
  readonly topic_id: string;
  readonly place: number;
}

interface Tables extends AuditTables {
  topics: Topic;
  notes: Note;
  lines: Line;
}

function topicsOf(provider: DatabaseProvider<Tables>) {
  return new Repository<Tables, 'topics', Topic, unknown, 'tenant' | 'id'>(provider, {
    table: 'topics',
    key: ['tenant', 'id'],
    columns: { tenant: 'text', id: 'text' },
    mapper: { fromRow: (row) => ({ ...row }), toRow: (topic) => topic },
  });
}

function notesOf(provider: DatabaseProvider<Tables>) {
  return new Repository<Tables, 'notes', Note>(provider, {
    table: 'notes',
    key: 'id',
    columns: { id: 'text', tenant: 'text', topic_id: 'text?', copy_of: 'text?' },
    mapper: { fromRow: (row) => ({ ...row }), toRow: (note) => note },
  });
}

function linesOf(provider: DatabaseProvider<Tables>) {
  return new Repository<Tables, 'lines', Line, unknown, 'tenant' | 'topic_id' | 'place'>(provider, {
    table: 'lines',
    key: ['tenant', 'topic_id', 'place'],
    columns: { tenant: 'text', topic_id: 'text', place: 'integer' },
    mapper: { fromRow: (row) => ({ ...row }), toRow: (line) => line },
  });
}

async function openTables(url: string): Promise<DatabaseProvider<Tables>> {
  const provider = (await openAuditDatabase(url)) as unknown as DatabaseProvider<Tables>;
  const { db, migrations } = provider;
  const topics = migrations.columns.table('topics');
  await db.schema
    .createTable('topics')
    .addColumn('tenant', topics.text('tenant'), (column) => column.notNull())
    .addColumn('id', topics.text('id'), (column) => column.notNull())
    .addPrimaryKeyConstraint('topics_key', ['tenant', 'id'])
    .modifyEnd(topics.end)
    .execute();
  const notes = migrations.columns.table('notes');
  await db.schema
    .createTable('notes')
    .addColumn('id', notes.text('id'), (column) => column.primaryKey().notNull())
    .addColumn('tenant', notes.text('tenant'), (column) => column.notNull())
    .addColumn('topic_id', notes.text('topic_id'))
    .addColumn('copy_of', notes.text('copy_of'))
    .addForeignKeyConstraint('notes_copy', ['tenant', 'copy_of'], 'topics', ['tenant', 'id'], (key) =>
      key.onDelete('cascade'),
    )
    .addForeignKeyConstraint('notes_topic', ['tenant', 'topic_id'], 'topics', ['tenant', 'id'], (key) =>
      key.onDelete('cascade'),
    )
    .modifyEnd(notes.end)
    .execute();
  const lines = migrations.columns.table('lines');
  await db.schema
    .createTable('lines')
    .addColumn('tenant', lines.text('tenant'), (column) => column.notNull())
    .addColumn('topic_id', lines.text('topic_id'), (column) => column.notNull())
    .addColumn('place', lines.integer('place'), (column) => column.notNull())
    .addPrimaryKeyConstraint('lines_key', ['tenant', 'topic_id', 'place'])
    .addForeignKeyConstraint('lines_topic', ['topic_id', 'tenant'], 'topics', ['id', 'tenant'], (key) =>
      key.onDelete('cascade'),
    )
    .modifyEnd(lines.end)
    .execute();
  return provider;
}

describeOnEachDatabase('cascades follow every column of a key', (database) => {
  let provider: DatabaseProvider<Tables>;
  let log: AuditLog;

  const within = (cascades: readonly AuditedCascade[]) =>
    audited(topicsOf(provider), { log, entity: 'topic', cascades });
  const toldOf = async () =>
    (await log.trail({})).items.map(({ action, entity }) => [action, entity?.type, entity?.id]);

  beforeEach(async () => {
    provider = await openTables(await database.freshUrl());
    log = new AuditLog(provider, { keys: auditKeys() });
    for (const [tenant, id] of ['a1', 'a2', 'b1'] as const)
      await topicsOf(provider).insert({ tenant, id } as Topic);
    for (const [id, tenant, topic_id, copy_of] of [
      ['of a1', 'a', '1', null],
      ['of a2', 'a', '2', null],
      ['of b1', 'b', '1', '1'],
      ['of none', 'a', null, null],
      ['copy of a1', 'a', '2', '1'],
    ] as const)
      await notesOf(provider).insert({ id, tenant, topic_id, copy_of });
    for (const [tenant, topic_id, place] of [
      ['a', '1', 1],
      ['a', '1', 2],
      ['b', '1', 1],
    ] as const)
      await linesOf(provider).insert({ tenant, topic_id, place });
  });
  afterEach(() => provider.close());

  it('what another tenant has under the same id stays, and is not said to be deleted', async () => {
    const notes = { of: notesOf(provider), column: 'topic_id', references: 'id', entity: 'note' };
    const copies = { ...notes, column: 'copy_of' };
    const lines = { of: linesOf(provider), column: 'tenant', references: 'tenant', entity: 'line' };
    await within([notes, copies, lines]).deleteById({ tenant: 'a', id: '1' });
    expect(await toldOf()).to.have.deep.members([
      ['delete', 'topic', '["a","1"]'],
      ['delete', 'note', 'of a1'],
      ['delete', 'note', 'copy of a1'],
      ['delete', 'line', '["a","1",1]'],
      ['delete', 'line', '["a","1",2]'],
    ]);
    const left = (await notesOf(provider).findMany({})).map(({ id }) => id);
    expect(left).to.have.members(['of a2', 'of b1', 'of none']);
    expect(await linesOf(provider).count({})).to.equal(1);
  });

  it('two keys that have a column in common are each declared by it', async () => {
    audited(notesOf(provider), { log, entity: 'note' });
    const notes = { of: notesOf(provider), column: 'tenant', references: 'tenant', entity: 'note' };
    await within([notes, notes]).deleteById({ tenant: 'a', id: '1' });
    expect(await toldOf()).to.have.deep.members([
      ['delete', 'topic', '["a","1"]'],
      ['delete', 'note', 'of a1'],
      ['delete', 'note', 'copy of a1'],
    ]);
  });

  it('a repository that leaves one of them out is refused', async () => {
    const short = new Repository<Tables, 'notes', { id: string; topic_id: string | null }>(provider, {
      table: 'notes',
      key: 'id',
      columns: { id: 'text', topic_id: 'text?' } as never,
      mapper: { fromRow: (row) => ({ ...row }), toRow: (note) => note as never },
    });
    const topics = within([{ of: short, column: 'topic_id', references: 'id', entity: 'note' }]);
    const error = await rejectionOf(topics.deleteById({ tenant: 'a', id: '1' }));
    expect(error).to.be.instanceOf(ValidationError);
    expect((error as ValidationError).issues[0]!.message).to.include('"notes.tenant"');
    expect(await topicsOf(provider).count({})).to.equal(3);
  });
});

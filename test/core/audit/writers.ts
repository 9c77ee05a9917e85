/** Writers of one chain: each unit of work has a row of its own beside its event. */
import { DatabaseProviderFactory, type DatabaseProvider, type UnitOfWork } from '../../../src/core/index.ts';
import { auditMigrations, type AuditLog } from '../../../src/core/audit/index.ts';
import { Migrator } from '../../../src/core/migrate/index.ts';
import type { AuditTables } from '../../../src/core/audit/audit-tables.ts';

export interface NotedTables extends AuditTables {
  notes: { readonly name: string };
}

/** Opens a database that has a trail, and a table of what it tells of. */
export async function openNotes(url: string): Promise<DatabaseProvider<NotedTables>> {
  const provider = DatabaseProviderFactory.createProvider<NotedTables>(url);
  await new Migrator(provider, auditMigrations).latest();
  await provider.db.schema
    .createTable('notes')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .execute();
  return provider;
}

/** One writer: some units of work, one after the other, all in one chain. */
export async function writeUnits({
  unitOfWork,
  log,
  name,
  units,
  onWritten = () => {},
}: {
  readonly unitOfWork: UnitOfWork<NotedTables>;
  readonly log: AuditLog;
  readonly name: string;
  readonly units: number;
  readonly onWritten?: () => void;
}): Promise<void> {
  for (let n = 0; n < units; n += 1) {
    const note = `${name}-${n}`;
    await unitOfWork.run(async ({ db }) => {
      await db.insertInto('notes').values({ name: note }).execute();
      await log.record(db, { action: 'create', entity: { type: 'note', id: note } });
    });
    onWritten();
  }
}

/** What is told of without a change, and changed without a word; both are empty where all is well. */
export async function findUnmatched(provider: DatabaseProvider<NotedTables>) {
  const notes = await provider.db.selectFrom('notes').select('name').orderBy('name').execute();
  const told = await provider.db
    .selectFrom('audit_logs')
    .select('entity_id')
    .where('entity_type', '=', 'note')
    .execute();
  const names = new Set(notes.map(({ name }) => name));
  const ids = new Set(told.map(({ entity_id: id }) => id));
  return {
    untold: [...names].filter((name) => !ids.has(name)),
    unchanged: [...ids].filter((id) => id === null || !names.has(id)),
    twice: told.length - ids.size,
  };
}

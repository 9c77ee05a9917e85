import type { AuditTables } from '../../../src/core/audit/audit-tables.ts';
import type { DatabaseProvider } from '../../../src/core/index.ts';

/** Does what whoever owns the table can do: the triggers are off for one statement. */
export async function pastTheTriggers(
  provider: DatabaseProvider<AuditTables>,
  statement: string,
  table: 'audit_logs' | 'audit_segments' = 'audit_logs',
): Promise<void> {
  if (provider.type === 'postgres') {
    await provider.exec(`alter table ${table} disable trigger user`);
    await provider.exec(statement);
    await provider.exec(`alter table ${table} enable trigger user`);
    return;
  }
  const triggers = await provider.query<{ name: string; sql: string }>(
    `select name, sql from sqlite_schema where type = 'trigger' and tbl_name = '${table}'`,
  );
  for (const { name } of triggers) await provider.exec(`drop trigger ${name}`);
  await provider.exec(statement);
  for (const { sql } of triggers) await provider.exec(sql.replaceAll('?', '??'));
}

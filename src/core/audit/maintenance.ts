import { auditTablesOf } from './audit-tables.ts';

/**
 * Runs work that the append-only triggers let delete what a segment covers, and erase contents. The switch is thrown
 * for this transaction alone: nobody else sees its row, and a COMMIT with the row in it is refused.
 *
 * @param tx the handle of the transaction
 * @param work is awaited
 * @throws what the work throws, and what the database says where this role may not throw the switch
 */
export async function withMaintenance<Result>(tx: object, work: () => Promise<Result>): Promise<Result> {
  const tables = auditTablesOf(tx);
  await tables.insertInto('audit_maintenance').values({ state: 'on', until: 'off' }).execute();
  const result = await work();
  await tables.deleteFrom('audit_maintenance').execute();
  return result;
}

/**
 * Writes to a trail until its count is reached, each event with a row of its own: a process that a test starts several
 * of, or kills. Its arguments: a URL, the number of writers, the number of units of each, and the name of the process.
 */
import { UnitOfWork, DatabaseProviderFactory } from '../../../src/core/index.ts';
import { AuditLog } from '../../../src/core/audit/index.ts';
import { auditKeys } from './audit-fixture.ts';
import { writeUnits, type NotedTables } from './writers.ts';

const [url = '', writers = '1', units = '1', name = ''] = process.argv.slice(2);
await using provider = DatabaseProviderFactory.createProvider<NotedTables>({
  url,
  // A busy machine must not be what fails here.
  lockTimeout: 120_000,
  pool: { acquireTimeout: 120_000 },
});
const log = new AuditLog(provider, { keys: auditKeys() });
const unitOfWork = new UnitOfWork(provider);
const onWritten = () => console.log('wrote');
await Promise.all(
  Array.from({ length: Number(writers) }, (_, at) =>
    writeUnits({ unitOfWork, log, name: `${name}-${at}`, units: Number(units), onWritten }),
  ),
);
console.log('done');

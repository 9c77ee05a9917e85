import { AuditLog, AuditReader } from '../core/audit/index.ts';
import { ConfigurationError, type DatabaseProvider } from '../core/index.ts';
import { KeyRing } from '../core/security/index.ts';
import { asCaller } from './audit-options.ts';
import type { Cli } from './cli.ts';
import { chooseDatabase, requireDatabaseFile, withProvider, type DatabaseOptions } from './open-database.ts';
import { requireKeyOfTrail } from './require-key-of-trail.ts';

/**
 * Works on the entries alone, for which no keys are needed.
 *
 * @throws ConfigurationError where the database has no trail
 */
export function withReader<Result>(
  cli: Cli,
  options: DatabaseOptions,
  work: (reader: AuditReader, label: string) => Promise<Result>,
): Promise<Result> {
  return withTrail(cli, options, (provider, label) => work(new AuditReader(provider), label));
}

/**
 * Works on the trail with the keys of LIMINAL_ENCRYPTION_KEY, in the name of who has called. It is for what only
 * checks: the keys may be others than those that the trail was written with.
 *
 * @throws ConfigurationError where the database has no trail, or the keys are missing or no good
 */
export function withAnyKeys<Result>(
  cli: Cli,
  options: DatabaseOptions,
  work: (log: AuditLog, label: string) => Promise<Result>,
): Promise<Result> {
  return withTrail(cli, options, async (provider, label) => {
    const keys = readKeys(cli);
    return asCaller(() => work(new AuditLog(provider, { keys }), label));
  });
}

/**
 * Works on the trail as `withAnyKeys` does, for what writes: the keys must be those of the trail.
 *
 * @throws ConfigurationError also where the newest entry was written with a key that is not among them
 */
export function withLog<Result>(
  cli: Cli,
  options: DatabaseOptions,
  work: (log: AuditLog, label: string) => Promise<Result>,
): Promise<Result> {
  return withTrail(cli, options, async (provider, label) => {
    const keys = readKeys(cli);
    await requireKeyOfTrail(provider, keys);
    return asCaller(() => work(new AuditLog(provider, { keys }), label));
  });
}

async function withTrail<Result>(
  cli: Cli,
  options: DatabaseOptions,
  work: (provider: DatabaseProvider<unknown>, label: string) => Promise<Result>,
): Promise<Result> {
  const { database, label } = await chooseDatabase(cli, options);
  requireDatabaseFile(database);
  return withProvider(database, async (provider) => {
    await requireTrail(provider);
    return work(provider, label);
  });
}

/** The tables are looked for, and no record of their migration, which who may only read the trail may not see. */
async function requireTrail({ db }: DatabaseProvider<unknown>): Promise<void> {
  const tables = await db.introspection.getTables();
  // In any schema: of one that is not searched, the statements say so themselves.
  if (tables.some(({ name }) => name === 'audit_logs')) return;
  throw new ConfigurationError(
    'There is no audit trail in this database; `liminal-data migrate latest --set audit` makes one.',
  );
}

function readKeys({ env }: Cli): KeyRing {
  const names = ['LIMINAL_ENCRYPTION_KEY', 'LIMINAL_ENCRYPTION_KEY_FILE'] as const;
  if (names.some((name) => env[name] !== undefined)) return KeyRing.fromEnv(env);
  // What `fromEnv` says of it, to make a new key, would be wrong of a trail.
  const message = `is not set, and neither is ${names[1]}; take the key that the trail was written with: a new one from \`keys generate\` would not do`;
  throw new ConfigurationError([{ path: [names[0]], message }]);
}

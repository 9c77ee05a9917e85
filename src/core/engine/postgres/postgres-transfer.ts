import { sql, type Kysely } from 'kysely';
import type { DatabaseConfig } from '../../config/database-config.ts';
import type { PostgresConnection as PostgresSettings } from '../../config/postgres-config.ts';
import type { TransferTraits } from '../transfer-traits.ts';
import { plainSettings } from './plain-settings.ts';
import { PostgresTransferClient } from './postgres-transfer-client.ts';
import { PostgresTransferSource } from './postgres-transfer-source.ts';
import { PostgresTransferTarget } from './postgres-transfer-target.ts';
import { readPostgresNames, readPostgresTables } from './postgres-transfer-tables.ts';

async function settlePostgres(db: Kysely<any>): Promise<void> {
  const settings = Object.entries(plainSettings).map(
    ([name, value]) => sql`set_config(${name}, ${value}, true)`,
  );
  await sql`select ${sql.join(settings)}`.execute(db);
}

/** How whole databases get out of Postgres and into it: by COPY, on connections beside the pool. */
export function createPostgresTransfer(config: DatabaseConfig<'postgres', PostgresSettings>): TransferTraits {
  return {
    holdsNul: false,
    holdsNaN: true,
    readTables: readPostgresTables,
    readNames: readPostgresNames,
    settle: settlePostgres,
    openSource: async () => PostgresTransferSource.open(await PostgresTransferClient.connect(config)),
    openTarget: async () => new PostgresTransferTarget(await PostgresTransferClient.connect(config)),
  };
}

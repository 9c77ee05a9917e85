/** A server that follows another one by streaming replication. */
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { PostgresCluster, type ClusterSettings } from './postgres-cluster.ts';

/** What a primary needs so that standbys can be made of it. */
export const primarySettings: ClusterSettings = {
  wal_level: 'replica',
  max_wal_senders: '10',
  hot_standby: 'on',
  // Else what was committed is on its way to the standbys only every 200 ms.
  synchronous_commit: 'on',
};

/**
 * Makes a standby of a running primary, by a low-level base backup: npm's binaries have no pg_basebackup.
 *
 * @see PostgreSQL documentation, "25.3.4. Making a Base Backup Using the Low Level API"
 */
export async function startStandby(primary: PostgresCluster): Promise<PostgresCluster> {
  const standby = await PostgresCluster.startOn(
    primary.password,
    { ...primarySettings, primary_conninfo: connectionInfo(primary), wal_receiver_status_interval: '1s' },
    (folder) => copyData(primary, folder),
  );
  return standby;
}

async function copyData(primary: PostgresCluster, folder: string): Promise<void> {
  // The backup belongs to this session: it has to stay until the end.
  const client = new pg.Client({ connectionString: primary.url });
  await client.connect();
  try {
    await client.query(`select pg_backup_start('standby', true)`);
    cpSync(primary.dataFolder, folder, {
      recursive: true,
      filter: (path) => !/\/(postmaster\.(pid|opts)|pgsql_tmp)/.test(path),
    });
    const { rows } = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)');
    writeFileSync(join(folder, 'backup_label'), rows[0]?.labelfile ?? '');
    writeFileSync(join(folder, 'standby.signal'), '');
    rmSync(join(folder, 'postmaster.pid'), { force: true });
  } finally {
    await client.end();
  }
}

function connectionInfo({ port, password }: PostgresCluster): string {
  return `host=127.0.0.1 port=${port} user=postgres password=${password}`;
}

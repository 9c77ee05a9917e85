import { randomBytes } from 'node:crypto';

/**
 * Names a backup after its database and the time. Names of one database sort by time.
 *
 * @param database the path of the database
 * @param now in ms since the Unix epoch
 * @returns such as `app.db.backup-20260131T120000Z-9f3c`, in the folder of the database
 */
export function nameBackup(database: string, now: number): string {
  const time = new Date(now).toISOString().replace(/\.\d+/, '').replaceAll(/[-:]/g, '');
  return `${database}.backup-${time}-${randomBytes(2).toString('hex')}`;
}

/** A second process that holds the write lock of a SQLite file until it is told to let go. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const program = `
  import Database from 'better-sqlite3';
  const database = new Database(process.argv[1]);
  database.pragma('journal_mode = WAL');
  database.exec('create table if not exists held (id integer); begin immediate; insert into held values (1)');
  process.stdout.write('held');
  process.stdin.on('data', () => { database.exec('commit'); process.exit(0); });
`;

export interface LockHolder {
  /** Tells it to commit, and waits until it has gone. */
  release(): Promise<void>;
}

export async function holdWriteLock(filename: string): Promise<LockHolder> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program, filename], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return {
    async release() {
      if (child.exitCode !== null) return;
      const gone = once(child, 'exit');
      child.stdin.write('go');
      await gone;
    },
  };
}

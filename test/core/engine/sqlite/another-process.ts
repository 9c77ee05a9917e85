/** Runs statements on a SQLite file in another process, and waits for its end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const program = `
  import Database from 'better-sqlite3';
  const database = new Database(process.argv[1]);
  database.exec(process.argv[2]);
  database.close();
`;

export async function runInAnotherProcess(url: string, sql: string): Promise<void> {
  const filename = url.slice('sqlite:'.length);
  const args = ['--input-type=module', '--eval', program, filename, sql];
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`The other process ended with code ${code}.`);
}

import { copyFileSync, existsSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { getPostgresServer, stopPostgresServer } from '../../test/support/postgres-server.ts';
import type { ContenderOptions } from '../contender.ts';
import type { ChatScale } from '../workload/chat-data.ts';
import { fillPostgresDatabase } from '../workload/postgres-template.ts';
import { makeSqliteTemplate } from '../workload/sqlite-template.ts';

/** Databases with the same rows, one for each contender. */
export interface Databases extends AsyncDisposable {
  /** What a reader of the figures must know of it, such as the version. */
  readonly description: string;
  /** How large one of them is, in bytes, before any work. */
  readonly size: number;
  /** Makes one more copy. @param durability for SQLite; a Postgres server decides by itself */
  copy(durability: 'full' | 'normal'): Promise<ContenderOptions>;
}

/**
 * @param engine which kind; the chat is generated once
 * @param kept a file of SQLite that outlives the run: the next one of the same scale takes it as it is
 */
export function openDatabases(
  engine: ContenderOptions['engine'],
  scale: ChatScale,
  kept?: string,
): Promise<Databases> {
  return engine === 'sqlite' ? openSqliteFiles(scale, kept) : openPostgresDatabases(scale);
}

async function openSqliteFiles(scale: ChatScale, kept?: string): Promise<Databases> {
  const folder = mkdtempSync(join(tmpdir(), 'liminal-bench-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  const template = kept ?? join(folder, 'template.db');
  let count = 0;
  if (!existsSync(template)) {
    const unfinished = `${template}.unfinished`;
    rmSync(unfinished, { force: true });
    await makeSqliteTemplate(unfinished, scale);
    renameSync(unfinished, template);
  }
  return {
    description: `files in ${tmpdir()}`,
    size: statSync(template).size,
    async copy(durability) {
      count += 1;
      const filename = join(folder, `${count}.db`);
      copyFileSync(template, filename);
      return { engine: 'sqlite', filename, durability };
    },
    async [Symbol.asyncDispose]() {
      process.off('exit', remove);
      remove();
    },
  };
}

/** `BENCH_POSTGRES_URL`, or the server of the tests. */
async function openPostgresDatabases(scale: ChatScale): Promise<Databases> {
  const adminUrl = process.env['BENCH_POSTGRES_URL'] ?? (await getPostgresServer()).adminUrl;
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  const prefix = `liminal_bench_${process.pid}`;
  const made: string[] = [];
  const make = async (from: string): Promise<string> => {
    const name = `${prefix}_${made.length}`;
    await admin.query(`create database ${name} template ${from}`);
    made.push(name);
    const url = new URL(adminUrl);
    url.pathname = `/${name}`;
    return url.href;
  };
  const template = await make('template0');
  await fillPostgresDatabase(template, scale);
  return {
    description: await describeServer(admin),
    size: Number((await admin.query(`select pg_database_size('${prefix}_0') as size`)).rows[0].size),
    copy: async () => ({ engine: 'postgres', url: await make(`${prefix}_0`) }),
    async [Symbol.asyncDispose]() {
      for (const name of made) await admin.query(`drop database if exists ${name} with (force)`);
      await admin.end();
      await stopPostgresServer();
    },
  };
}

async function describeServer(admin: pg.Client): Promise<string> {
  const names = ['server_version', 'fsync', 'synchronous_commit', 'shared_buffers'];
  const columns = names.map((name) => `current_setting('${name}') as ${name}`);
  const { rows } = await admin.query<Record<string, string>>(`select ${columns.join(', ')}`);
  return names.map((name) => `${name} ${rows[0]![name]!}`).join(', ');
}

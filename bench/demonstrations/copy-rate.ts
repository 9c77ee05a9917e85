/**
 * `npm run bench:copy`: how fast a SQLite database of the chat's schema is copied into Postgres, beside `psql \copy` of
 * the same rows into the same server. Each run does both, one behind the other, into databases with the same
 * migrations; a run of psql takes the tables one by one, parents first.
 *
 * Where there is no psql it prints `not run: psql`, and the rows go through pg by one COPY a table.
 *
 * Options: `--messages 200000`, `--runs 3`, `--check` (below 60 % of psql's rate is exit code 1).
 */
import type { Kysely } from 'kysely';
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { chatMigrations } from '../../migrations/chat/index.ts';
import { DatabaseProviderFactory, type DatabaseProvider } from '../../src/core/index.ts';
import { copyDatabase } from '../../src/core/copy/index.ts';
import { CopyIn } from '../../src/core/engine/postgres/copy-in.ts';
import { CopyOut } from '../../src/core/engine/postgres/copy-out.ts';
import { migrateToLatest } from '../../src/core/migrate/index.ts';
import { getPostgresServer, stopPostgresServer } from '../../test/support/postgres-server.ts';

const target = 0.6;
const threadLength = 20;
const tables = ['context_threads', 'messages'];

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '200000' },
    runs: { type: 'string', default: '3' },
    check: { type: 'boolean', default: false },
  },
});
const messages = Number(values.messages);
const rows = messages + Math.ceil(messages / threadLength);
const hasPsql = spawnSync('psql', ['--version']).status === 0;
if (!hasPsql) console.log('not run: psql');
const folder = mkdtempSync(join(tmpdir(), 'liminal-copy-rate-'));
const { adminUrl } = await getPostgresServer();
const admin = new pg.Client({ connectionString: adminUrl });
await admin.connect();
try {
  await demonstrate();
} finally {
  await admin.end();
  await stopPostgresServer();
  rmSync(folder, { recursive: true, force: true });
}

async function demonstrate(): Promise<void> {
  await using source = DatabaseProviderFactory.createProvider<never>(`sqlite:${join(folder, 'chat.db')}`);
  await migrateToLatest(source, [chatMigrations]);
  await fill(source);
  const ratios: number[] = [];
  for (let run = 0; run < Number(values.runs); run += 1) {
    const ours = await inFreshDatabase((url) => copy(source, url, run === 0));
    const theirs = await inFreshDatabase(loadFiles);
    ratios.push(theirs / ours);
    const per = (ms: number) => `${Math.round(rows / (ms / 1_000)).toLocaleString('en')} rows/s`;
    console.log(
      `${rows.toLocaleString('en')} rows: copied at ${per(ours)}, ${hasPsql ? 'psql \\copy' : 'COPY by pg'} at ${per(theirs)}: ${Math.round((theirs / ours) * 100)} %`,
    );
  }
  const median = ratios.toSorted((a, b) => a - b)[ratios.length >> 1]!;
  console.log(`median: ${Math.round(median * 100)} % (at least ${target * 100} % is asked for)`);
  if (values.check && median < target) process.exitCode = 1;
}

/** Messages of some hundred characters. */
async function fill(source: DatabaseProvider<never>): Promise<void> {
  const words =
    'so it goes on and on, as people talk about what they know, and at times about what they do not. ';
  for (let first = 0; first < messages; first += 10_000) {
    await source.transaction(async (tx) => {
      const at = 1_700_000_000_000 + first;
      for (let n = first; n < Math.min(messages, first + 10_000); n += threadLength) {
        const thread = randomUUID();
        await insert(tx, 'context_threads', [
          {
            id: thread,
            title: `Thread ${n}`,
            metadata: `{"n":${n}}`,
            next_seq: threadLength + 1,
            version: 1,
            created_at: at,
            updated_at: at,
          },
        ]);
        const own = Array.from({ length: Math.min(threadLength, messages - n) }, (_, index) => ({
          id: randomUUID(),
          thread_id: thread,
          seq: index + 1,
          role: index % 2 === 0 ? 'user' : 'assistant',
          content: words.repeat(1 + ((n + index) % 5)),
          status: 'complete',
          metadata: index % 4 === 0 ? '{"model":"m","tokens":123}' : null,
          version: 1,
          created_at: at,
        }));
        await insert(tx, 'messages', own);
      }
    });
  }
}

async function insert(tx: unknown, table: string, own: readonly object[]): Promise<void> {
  const db = tx as Kysely<Record<string, Record<string, unknown>>>;
  await db.insertInto(table).values(own).execute();
}

/** @returns how long it took in ms, without migrating */
async function copy(source: DatabaseProvider<never>, url: string, writesFiles: boolean): Promise<number> {
  await using to = DatabaseProviderFactory.createProvider<never>(url);
  await migrateToLatest(to, [chatMigrations]);
  const report = await copyDatabase(source, to, { verify: false });
  if (report.rows !== rows) throw new Error(`${report.rows} rows were copied.`);
  if (writesFiles) for (const table of tables) await writeFile(url, table);
  return report.duration;
}

async function loadFiles(url: string): Promise<number> {
  await using to = DatabaseProviderFactory.createProvider<never>(url);
  await migrateToLatest(to, [chatMigrations]);
  const start = performance.now();
  for (const table of tables) {
    if (hasPsql) psql(url, `\\copy ${table} from '${fileOf(table)}'`);
    else await copyByPg(url, table);
  }
  return performance.now() - start;
}

async function copyByPg(url: string, table: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(new CopyIn(`copy ${table} from stdin`, [readFileSync(fileOf(table))])).done;
  await client.end();
}

/** As COPY gives it. */
async function writeFile(url: string, table: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const pieces: string[] = [];
  for await (const lines of client.query(new CopyOut(`copy ${table} to stdout`)).lines())
    pieces.push(`${lines.join('\n')}\n`);
  writeFileSync(fileOf(table), pieces.join(''));
  await client.end();
}

function psql(url: string, command: string): void {
  const { status, stderr } = spawnSync('psql', ['-X', '-q', '-d', url, '-c', command], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

function fileOf(table: string): string {
  return join(folder, `${table}.copy`);
}

async function inFreshDatabase(work: (url: string) => Promise<number>): Promise<number> {
  const name = `liminal_copy_rate_${process.pid}`;
  await admin.query(`create database ${name} template template0 encoding 'UTF8'`);
  try {
    const url = new URL(adminUrl);
    url.pathname = `/${name}`;
    return await work(url.href);
  } finally {
    await admin.query(`drop database if exists ${name} with (force)`);
  }
}

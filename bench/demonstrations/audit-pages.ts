/**
 * `npm run bench:audit-pages`: how long a page of the audit trail takes at 1,000,000 rows, for each kind of filter, from
 * the start and from deep in the list, on SQLite and on Postgres. A page is to come within 5 ms.
 *
 * Options: `--rows 1000000`, `--pages 200`.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { AuditLog, auditMigrations, type AuditFilter } from '../../src/core/audit/index.ts';
import { DatabaseProviderFactory, type DatabaseProvider } from '../../src/core/index.ts';
import { Migrator } from '../../src/core/migrate/index.ts';
import { KeyRing } from '../../src/core/security/index.ts';
import { getPostgresServer, stopPostgresServer } from '../../test/support/postgres-server.ts';

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '1000000' }, pages: { type: 'string', default: '200' } },
});
const [rows, pages] = [Number(values.rows), Number(values.pages)];
const promised = 5;
const people = 5_000;
const types = ['user', 'thread', 'message', 'api_key', 'preference'];
const actions = ['create', 'update', 'update', 'update', 'delete', 'reveal'];

const person = personAt(17);
const filters: Readonly<Record<string, AuditFilter>> = {
  nothing: {},
  actor: { actor: person },
  'type of entity': { entity: 'message' },
  entity: { entity: { type: 'thread', id: idAt(types.indexOf('thread')) } },
  action: { action: 'reveal' },
  'one of two actions': { action: ['create', 'delete'] },
  tenant: { tenant: 'tenant-3' },
  'tenant and action': { tenant: 'tenant-3', action: 'update' },
  'tenant and action that never meet': { tenant: 'tenant-3', action: 'reveal' },
  'actor, type and action': { actor: person, entity: 'message', action: 'update' },
  'actor, in a span': { actor: person, from: Date.now() - 7_200_000, to: Date.now() - 3_600_000 },
};

const folder = mkdtempSync(join(tmpdir(), 'liminal-demonstration-'));
try {
  await demonstrate('SQLite file', `sqlite:${join(folder, 'audit.db')}`);
  await demonstratePostgres();
} finally {
  await stopPostgresServer();
  rmSync(folder, { recursive: true, force: true });
}

async function demonstratePostgres(): Promise<void> {
  const { adminUrl } = await getPostgresServer();
  const name = `liminal_audit_pages_${process.pid}`;
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query(`create database ${name}`);
    const url = new URL(adminUrl);
    url.pathname = `/${name}`;
    await demonstrate('Postgres', url.href);
  } finally {
    await client.query(`drop database if exists ${name} with (force)`);
    await client.end();
  }
}

async function demonstrate(name: string, url: string): Promise<void> {
  await using provider = DatabaseProviderFactory.createProvider<unknown>({ url, slowQueryThreshold: 0 });
  await new Migrator(provider, auditMigrations).latest();
  const log = new AuditLog(provider, { keys: KeyRing.of([{ id: 'bench', key: randomBytes(32) }]) });
  const began = performance.now();
  await fill(provider, log);
  await provider.exec('analyze');
  const seconds = (performance.now() - began) / 1_000;
  console.log(`\n${name}: ${rows} rows, there within ${seconds.toFixed(0)} s`);
  console.log(
    '| page of 50, by | newest: p50 ms | p95 ms | deep: p50 ms | p95 ms |\n| --- | --- | --- | --- | --- |',
  );
  for (const [title, filter] of Object.entries(filters)) {
    const newest = await time(() => log.trail(filter));
    const cursor = await walkDown(log, filter);
    const deep = await time(() => log.trail(filter, { after: cursor }));
    const cells = [...newest, ...deep].map((ms) => `${ms.toFixed(2)}${ms > promised ? ' !' : ''}`);
    console.log(`| ${title} | ${cells.join(' | ')} |`);
  }
}

function personAt(count: number): string {
  return `00000000-0000-7000-8000-${String(count % people).padStart(12, '0')}`;
}

/** Each thing has an entry in each copy. */
function idAt(count: number): string {
  return `00000000-0000-7000-9000-${String(count).padStart(12, '0')}`;
}

/** Records a part, and copies it into chains of other names, at other times: what is in the way is the recording. */
async function fill(provider: DatabaseProvider<unknown>, log: AuditLog): Promise<void> {
  const portion = Math.min(rows, 20_000);
  await provider.transaction(async (tx) => {
    for (let count = 0; count < portion; count += 1) {
      await log.record(tx, {
        action: actions[count % actions.length]!,
        actor: { type: 'user', id: personAt(count * 7) },
        tenant: count % 3 === 0 ? `tenant-${count % 50}` : null,
        entity: { type: types[count % types.length]!, id: idAt(count) },
        changes: [{ field: 'title', old: `title ${count}`, new: `title ${count + 1}` }],
      });
    }
  });
  const isPostgres = provider.type === 'postgres';
  for (let copy = 1; copy < rows / portion; copy += 1) {
    // The end of the id is random; what is before it tells the rows of a part apart.
    const id = `substr(cast(id as text), 1, 24) || '${copy.toString(16).padStart(12, '0')}'`;
    await provider.exec(
      `insert into audit_logs select stream || '-${copy}', seq, ${isPostgres ? `cast(${id} as uuid)` : id},
        recorded_at - ${copy} * 600000, tenant, actor_type, actor_id, action, entity_type, entity_id, request_id,
        trace_id, content, content_digest, key_id, prev_hash, hash
      from audit_logs where recorded_at > ${Date.now() - 500_000}`,
    );
  }
}

/** A cursor twenty pages down, or as far as there are some. */
async function walkDown(log: AuditLog, filter: AuditFilter): Promise<string | undefined> {
  let cursor: string | undefined;
  for (let page = 0; page < 20; page += 1) {
    const { nextCursor } = await log.trail(filter, { limit: 1_000, after: cursor });
    if (nextCursor === undefined) break;
    cursor = nextCursor;
  }
  return cursor;
}

async function time(work: () => Promise<unknown>): Promise<[p50: number, p95: number]> {
  const times: number[] = [];
  for (let count = 0; count < pages; count += 1) {
    const began = performance.now();
    await work();
    times.push(performance.now() - began);
  }
  times.sort((one, other) => one - other);
  return [times[Math.floor(pages * 0.5)]!, times[Math.floor(pages * 0.95)]!];
}

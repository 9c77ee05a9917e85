/**
 * `npm run bench:audit-verify`: how many rows of an audit trail a verification reads a second, and what an append costs
 * beside it. The rows are those of an application: an actor, an entity, two changed fields.
 *
 * Options: `--engine sqlite|postgres|both`, `--rows 1000000`, `--runs 5`, `--check` (less than 200,000 rows a second on
 * SQLite is exit code 1).
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { DatabaseProviderFactory, type DatabaseProvider } from '../../src/core/index.ts';
import { AuditLog, auditMigrations } from '../../src/core/audit/index.ts';
import { Migrator } from '../../src/core/migrate/index.ts';
import { KeyRing } from '../../src/core/security/index.ts';
import { getPostgresServer, stopPostgresServer } from '../../test/support/postgres-server.ts';

const target = 200_000;
const eventsOfUnit = 1_000;

const { values } = parseArgs({
  options: {
    engine: { type: 'string', default: 'both' },
    rows: { type: 'string', default: '1000000' },
    runs: { type: 'string', default: '5' },
    check: { type: 'boolean', default: false },
  },
});
const rows = Number(values.rows);
const runs = Number(values.runs);
const folder = mkdtempSync(join(tmpdir(), 'liminal-audit-verify-'));
try {
  if (values.engine !== 'postgres') {
    const speed = await demonstrate('SQLite', `sqlite:${join(folder, 'audit.db')}`);
    if (values.check && speed < target) process.exitCode = 1;
  }
  if (values.engine !== 'sqlite') await demonstratePostgres();
} finally {
  await stopPostgresServer();
  rmSync(folder, { recursive: true, force: true });
}

async function demonstratePostgres(): Promise<void> {
  const { adminUrl } = await getPostgresServer();
  const name = `liminal_audit_verify_${process.pid}`;
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

/** @returns rows a second, of the best run: the others had to share the machine */
async function demonstrate(title: string, url: string): Promise<number> {
  await using provider = DatabaseProviderFactory.createProvider<unknown>({ url, slowQueryThreshold: 0 });
  await new Migrator(provider, auditMigrations).latest();
  const log = new AuditLog(provider, { keys: KeyRing.of([{ id: 'bench', key: randomBytes(32) }]) });
  const writing = performance.now();
  for (let written = 0; written < rows; written += eventsOfUnit) await writeUnit(provider, log, written);
  const written = (performance.now() - writing) / 1_000;
  const speeds: number[] = [];
  const costs: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const start = performance.now();
    const before = process.cpuUsage();
    const report = await log.verify();
    if (!report.isSound || report.rows !== rows) throw new Error('The trail is not as it was written.');
    const { user, system } = process.cpuUsage(before);
    costs.push((user + system) / rows);
    speeds.push(rows / ((performance.now() - start) / 1_000));
  }
  const best = Math.max(...speeds);
  const median = speeds.toSorted((one, other) => one - other)[Math.floor(runs / 2)]!;
  const per = (speed: number) => `${Math.round(speed).toLocaleString('en')} rows/s`;
  console.log(
    `${title}: ${rows.toLocaleString('en')} rows verified at ${per(best)} (median ${per(median)}), ${Math.min(...costs).toFixed(1)} µs of this process a row; appended at ${per(rows / written)}, ${eventsOfUnit} a unit`,
  );
  return best;
}

function writeUnit(provider: DatabaseProvider<unknown>, log: AuditLog, first: number): Promise<void> {
  return provider.transaction(async (tx) => {
    for (let n = first; n < first + eventsOfUnit; n += 1) {
      await log.record(tx, {
        action: 'update',
        actor: { type: 'user', id: `user-${n % 1_000}`, requestId: `request-${n}` },
        entity: { type: 'thread', id: `thread-${n % 10_000}` },
        changes: [
          { field: 'title', old: `title ${n}`, new: `title ${n + 1}` },
          { field: 'version', old: 1, new: 2 },
        ],
      });
    }
  });
}

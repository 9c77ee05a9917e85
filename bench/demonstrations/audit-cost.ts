/**
 * `npm run bench:audit-cost`: what an audit trail adds to units of work of the chat: one update, and ten in one unit.
 * Audited and plain rounds lie side by side in one run, on databases of their own with the same rows. Beside them, what
 * the rows of the trail alone cost the raw driver of SQLite, in a transaction of their own: with all indexes, and with
 * none but those of the keys.
 *
 * Options: `--engine sqlite|postgres|both`, `--rounds 41`, `--duration 60` (ms a round), `--check` (a missed target is
 * exit code 1).
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Database from 'better-sqlite3';
import pg from 'pg';
import { openChatStore, retitleThread, type ChatStore, type ThreadId } from '../../src/chat/index.ts';
import { AuditLog, auditMigrations } from '../../src/core/audit/index.ts';
import {
  DatabaseProviderFactory,
  runAs,
  systemClock,
  type DatabaseConfigInput,
} from '../../src/core/index.ts';
import { newId } from '../../src/core/domain/index.ts';
import { Migrator } from '../../src/core/migrate/index.ts';
import { KeyRing } from '../../src/core/security/index.ts';
import { getPostgresServer, stopPostgresServer } from '../../test/support/postgres-server.ts';
import { spreadOf } from '../harness/statistics.ts';

/** What is measured, and what an audited one may take at most of the time of a plain one. */
interface Task {
  readonly title: string;
  readonly updates: number;
  readonly target: number;
}

/** A kind of database. */
interface Place {
  readonly title: string;
  readonly open: () => Promise<DatabaseConfigInput>;
}

const tasks: readonly Task[] = [
  { title: 'one update', updates: 1, target: 1.5 },
  { title: 'ten updates in one unit', updates: 10, target: 1.2 },
];
const actor = { type: 'user', id: 'bench', requestId: 'request-1' } as const;

const { values } = parseArgs({
  options: {
    engine: { type: 'string', default: 'both' },
    rounds: { type: 'string', default: '41' },
    duration: { type: 'string', default: '60' },
    check: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const duration = Number(values.duration);
let isMissed = false;
const folder = mkdtempSync(join(tmpdir(), 'liminal-audit-cost-'));

function placeOfSqlite(durability: 'full' | 'normal'): Place {
  let files = 0;
  return {
    title: `SQLite, durability ${durability}`,
    open: async () => {
      files += 1;
      const filename = join(folder, `${durability}-${files}.db`);
      return { type: 'sqlite', connection: { filename, durability } };
    },
  };
}

async function placeOfPostgres(): Promise<Place> {
  const { adminUrl } = await getPostgresServer();
  let databases = 0;
  return {
    title: 'Postgres',
    open: async () => {
      databases += 1;
      const name = `liminal_audit_cost_${process.pid}_${databases}`;
      const admin = new pg.Client({ connectionString: adminUrl });
      await admin.connect();
      await admin.query(`create database ${name}`);
      await admin.end();
      const url = new URL(adminUrl);
      url.pathname = `/${name}`;
      return url.href;
    },
  };
}

/** A store with ten threads, and how many statements it has sent. */
class Contender {
  readonly #store: ChatStore;
  readonly #threads: readonly ThreadId[];
  readonly #counter: { statements: number };
  #title = 0;

  static async open(database: DatabaseConfigInput, isAudited: boolean): Promise<Contender> {
    const counter = { statements: 0 };
    const store = await openChatStore({
      database,
      onStatement: () => {
        counter.statements += 1;
      },
      ...(isAudited && { audit: { keys: KeyRing.of([{ id: 'audit', key: randomBytes(32) }]) } }),
    });
    const threads: ThreadId[] = [];
    for (let count = 0; count < 10; count += 1) {
      threads.push((await store.conversations.startThread({ title: 'Lunch' })).id);
    }
    return new Contender(store, threads, counter);
  }

  constructor(store: ChatStore, threads: readonly ThreadId[], counter: { statements: number }) {
    this.#store = store;
    this.#threads = threads;
    this.#counter = counter;
  }

  /** Reads and changes that many threads in one unit of work. */
  async run({ updates }: Task): Promise<void> {
    await this.#store.unitOfWork.run(async ({ repositories: { threads } }) => {
      for (const id of this.#threads.slice(0, updates)) {
        this.#title += 1;
        const thread = await threads.getById(id);
        await threads.update(retitleThread(thread, `Lunch ${this.#title}`, { now: systemClock.now() }));
      }
    });
  }

  async countStatements(task: Task): Promise<number> {
    const before = this.#counter.statements;
    await this.run(task);
    return this.#counter.statements - before;
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

async function measure({ title, open }: Place): Promise<void> {
  const plain = await Contender.open(await open(), false);
  const audited = await Contender.open(await open(), true);
  await runAs(actor, async () => {
    for (const task of tasks) await report(`${title}, ${task.title}`, task, plain, audited);
  });
  await plain.close();
  await audited.close();
}

async function report(title: string, task: Task, plain: Contender, audited: Contender): Promise<void> {
  const runs = await calibrate(task, plain);
  await time(task, audited, runs);
  const ratios: number[] = [];
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    // Who comes first changes each time: a machine is never quiet for long.
    const first = round % 2 === 0 ? plain : audited;
    const second = first === plain ? audited : plain;
    const [one, other] = [await time(task, first, runs), await time(task, second, runs)];
    const [base, cost] = first === plain ? [one, other] : [other, one];
    ratios.push(cost / base);
    times.push(base);
  }
  const { median, low, high } = spreadOf(ratios);
  const statements = [await plain.countStatements(task), await audited.countStatements(task)];
  const isMet = median <= task.target;
  isMissed ||= !isMet;
  const microseconds = (spreadOf(times).median * 1_000).toFixed(0);
  const figures = `${median.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)}) of ${microseconds} µs`;
  const verdict = `${isMet ? 'met' : 'MISSED'}: at most ${task.target.toFixed(2)}`;
  console.log(`${title}: ${figures}; ${statements.join(' → ')} statements; ${verdict}`);
}

/** What SQLite itself takes for the rows of a trail, whoever writes them. */
class RawTrail {
  readonly #database: Database.Database;
  readonly #template: Readonly<Record<string, unknown>>;
  readonly #columns: readonly string[];
  #seq = 1;

  static async open(filename: string, durability: 'full' | 'normal', isIndexed: boolean): Promise<RawTrail> {
    {
      await using provider = DatabaseProviderFactory.createProvider<unknown>(`sqlite:${filename}`);
      await new Migrator(provider, auditMigrations).latest();
      const log = new AuditLog(provider, { keys: KeyRing.of([{ id: 'audit', key: randomBytes(32) }]) });
      await provider.transaction((tx) =>
        log.record(tx, {
          action: 'update',
          actor,
          entity: { type: 'thread', id: randomUUID() },
          changes: [{ field: 'title', old: 'Lunch 1', new: 'Lunch 2' }],
        }),
      );
    }
    const database = new Database(filename);
    database.pragma('journal_mode = WAL');
    database.pragma(`synchronous = ${durability}`);
    if (!isIndexed) {
      const indexes = database
        .prepare<[], { name: string }>(
          "select name from sqlite_schema where type = 'index' and sql is not null",
        )
        .all();
      for (const { name } of indexes) database.exec(`drop index ${name}`);
    }
    return new RawTrail(database);
  }

  constructor(database: Database.Database) {
    this.#database = database;
    this.#template = database.prepare<[], Record<string, unknown>>('select * from audit_logs').get()!;
    this.#columns = Object.keys(this.#template);
  }

  /** @returns the time of one transaction, in ms */
  time({ updates }: Task, runs: number): number {
    const row = `(${this.#columns.map(() => '?').join(', ')})`;
    const insert = this.#database.prepare(
      `insert into audit_logs values ${Array.from({ length: updates }, () => row).join(', ')}`,
    );
    const parts = Array.from({ length: runs }, () => this.#makeValues(updates));
    const start = performance.now();
    for (const part of parts) {
      this.#database.exec('begin immediate');
      insert.run(...part);
      this.#database.exec('commit');
    }
    return (performance.now() - start) / runs;
  }

  close(): void {
    this.#database.close();
  }

  #makeValues(updates: number): unknown[] {
    return Array.from({ length: updates }, (_, thread) => {
      this.#seq += 1;
      const row = {
        ...this.#template,
        seq: this.#seq,
        id: newId(),
        recorded_at: systemClock.now(),
        entity_id: `00000000-0000-7000-8000-${String(thread).padStart(12, '0')}`,
      };
      return Object.values(row);
    }).flat();
  }
}

/** Prints what an audited unit adds at the least. */
async function reportRaw(durability: 'full' | 'normal'): Promise<void> {
  const [indexed, bare] = [
    await RawTrail.open(join(folder, `raw-${durability}.db`), durability, true),
    await RawTrail.open(join(folder, `bare-${durability}.db`), durability, false),
  ];
  for (const task of tasks) {
    const runs = Math.max(10, Math.ceil(duration / indexed.time(task, 50)));
    bare.time(task, 50);
    const times: [number, number][] = [];
    for (let round = 0; round < rounds; round += 1) {
      times.push([indexed.time(task, runs), bare.time(task, runs)]);
    }
    const [all, none] = [0, 1].map((at) =>
      (spreadOf(times.map((pair) => pair[at]!)).median * 1_000).toFixed(0),
    );
    console.log(
      `SQLite, durability ${durability}, ${task.title}: the raw driver takes ${all} µs for the rows of the trail alone, ${none} without indexes`,
    );
  }
  indexed.close();
  bare.close();
}

/** How many units fill a round; it warms up as well. */
async function calibrate(task: Task, contender: Contender): Promise<number> {
  const probe = 50;
  await time(task, contender, probe);
  return Math.max(10, Math.ceil(duration / (await time(task, contender, probe))));
}

/** @returns the time of one unit, in ms */
async function time(task: Task, contender: Contender, runs: number): Promise<number> {
  const start = performance.now();
  for (let run = 0; run < runs; run += 1) await contender.run(task);
  return (performance.now() - start) / runs;
}

try {
  if (values.engine !== 'postgres') {
    for (const durability of ['full', 'normal'] as const) {
      await measure(placeOfSqlite(durability));
      await reportRaw(durability);
    }
  }
  if (values.engine !== 'sqlite') await measure(await placeOfPostgres());
} finally {
  await stopPostgresServer();
  rmSync(folder, { recursive: true, force: true });
}
if (values.check && isMissed) process.exitCode = 1;

/**
 * `npm run bench:audit-cost`: what an audit trail adds to units of work of the chat: one update, and ten in one unit.
 * Audited and plain rounds lie side by side in one run, on databases of their own with the same rows. Beside them, what
 * the rows of the trail alone cost the raw driver of SQLite, in a transaction of their own: with all indexes, and with
 * none but those of the keys.
 *
 * Options: `--engine sqlite|postgres|both`, `--rounds 41`, `--duration 60` (ms a round), `--check` (a missed target is
 * exit code 1).
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { openChatStore, retitleThread, type ChatStore, type ThreadId } from '../../src/chat/index.ts';
import { runAs, systemClock, type DatabaseConfigInput } from '../../src/core/index.ts';
import { KeyRing } from '../../src/core/security/index.ts';
import { getPostgresServer, stopPostgresServer } from '../../test/support/postgres-server.ts';
import { spreadOf } from '../harness/statistics.ts';
import { RawTrail } from './raw-trail.ts';

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
      return { type: 'sqlite', connection: { filename, durability }, slowQueryThreshold: 0 };
    },
  };
}

async function measureOnPostgres(): Promise<void> {
  const { adminUrl } = await getPostgresServer();
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  const names: string[] = [];
  const open = async (): Promise<DatabaseConfigInput> => {
    const name = `liminal_audit_cost_${process.pid}_${names.length}`;
    await admin.query(`create database ${name}`);
    names.push(name);
    const url = new URL(adminUrl);
    url.pathname = `/${name}`;
    return { url: url.href, slowQueryThreshold: 0 };
  };
  try {
    await measure({ title: 'Postgres', open });
  } finally {
    for (const name of names) await admin.query(`drop database ${name} with (force)`);
    await admin.end();
  }
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

/** Prints what an audited unit adds at the least. */
async function reportRaw(durability: 'full' | 'normal'): Promise<void> {
  const [indexed, bare] = [
    await RawTrail.open(join(folder, `raw-${durability}.db`), durability, true),
    await RawTrail.open(join(folder, `bare-${durability}.db`), durability, false),
  ];
  for (const task of tasks) {
    const runs = Math.max(10, Math.ceil(duration / indexed.time(task.updates, 50)));
    bare.time(task.updates, 50);
    const times: [number, number][] = [];
    for (let round = 0; round < rounds; round += 1) {
      times.push([indexed.time(task.updates, runs), bare.time(task.updates, runs)]);
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
  if (values.engine !== 'sqlite') await measureOnPostgres();
} finally {
  await stopPostgresServer();
  rmSync(folder, { recursive: true, force: true });
}
if (values.check && isMissed) process.exitCode = 1;

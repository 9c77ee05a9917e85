/**
 * `npm run bench:legacy-import`: how fast the legacy database comes in, beside what the raw driver takes for the same
 * rows. Rounds of both lie side by side in one run, each into a new database.
 *
 * The raw driver reads the same database, parses the same JSON and writes the same rows of threads and messages with their
 * search tokens, in transactions of the same size, by kept statements: once of a hundred rows each, as the import does, and
 * once row by row. It checks nothing and keeps no progress.
 *
 * Options: `--engine sqlite|postgres|both`, `--rounds 7`, `--check` (a missed target is exit code 1).
 */
import BetterSqlite3 from 'better-sqlite3';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { importLegacy, openChatStore, searchTokens } from '../../src/chat/index.ts';
import { tokenColumn } from '../../src/chat/conversation/search-tokens.ts';
import { silentLogger } from '../../src/core/index.ts';
import { KeyRing } from '../../src/core/security/index.ts';
import { getPostgresServer, stopPostgresServer } from '../../test/support/postgres-server.ts';
import { spreadOf } from '../harness/statistics.ts';

const { values } = parseArgs({
  options: {
    engine: { type: 'string', default: 'both' },
    rounds: { type: 'string', default: '7' },
    check: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const target = 20_000;
/** As the import has them. */
const messagesTogether = 10_000;
const rowsPerStatement = 100;

const folder = mkdtempSync(join(tmpdir(), 'liminal-legacy-import-'));
const source = join(folder, 'legacy.db');
const packed = fileURLToPath(new URL('../../examples/data/legacy-liminal.db.gz', import.meta.url));
writeFileSync(source, gunzipSync(readFileSync(packed)));
const legacyKey = Buffer.from('0123456789abcdef0123456789abcdef');
const encryption = KeyRing.of([{ id: 'bench', key: randomBytes(32) }]);
let databases = 0;

function newFile(): string {
  databases += 1;
  return join(folder, `target-${databases}.db`);
}

/** @returns messages a second: of the import alone, with its snapshot and proof, and these by the processor's time */
async function runImport(
  database: string,
): Promise<{ readonly rate: number; readonly proved: number; readonly processor: number }> {
  await using store = await openChatStore({ database, logger: silentLogger });
  const start = performance.now();
  const used = process.cpuUsage();
  const { messages, duration, proof } = await importLegacy(store.provider, {
    sources: [source],
    stateFolder: join(folder, 'state'),
    legacyKey,
    encryption,
  });
  if (proof.differences > 0) throw new Error(`The import is not proved: ${proof.examples.join('; ')}`);
  const { user, system } = process.cpuUsage(used);
  return {
    rate: (messages * 1_000) / duration,
    proved: (messages * 1_000) / (performance.now() - start),
    processor: (messages * 1_000_000) / (user + system),
  };
}

interface LegacyThread {
  readonly id: string;
  readonly title: string | null;
  readonly metadata: string | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly messages: string;
}

interface LegacyMessage {
  readonly id: string;
  readonly role: string;
  readonly content: string;
  readonly createdAt: number;
  readonly status?: string;
  readonly metadata?: unknown;
}

type Cell = string | number | null;

interface Writer {
  /** The rows that wait. */
  readonly rows: Cell[][];
  /** Writes them. */
  write(): void;
}

/** Writes rows by a kept statement of so many rows, and what is left over row by row. */
function writerOf(
  database: BetterSqlite3.Database,
  table: string,
  names: string,
  rowsTogether: number,
): Writer {
  const columns = names.split(' ');
  const slots = `(${columns.map(() => '?').join(', ')})`;
  const prepare = (count: number): BetterSqlite3.Statement =>
    database.prepare(
      `insert into ${table} (${columns.join(', ')}) values ${Array.from({ length: count }, () => slots).join(', ')}`,
    );
  const [many, one] = [prepare(rowsTogether), prepare(1)];
  const rows: Cell[][] = [];
  return {
    rows,
    write() {
      while (rows.length >= rowsTogether) many.run(rows.splice(0, rowsTogether).flat());
      for (const row of rows.splice(0)) one.run(row);
    },
  };
}

/** @returns messages a second */
async function runRaw(rowsTogether: number): Promise<number> {
  const file = newFile();
  await (await openChatStore({ database: `sqlite:${file}` })).close();
  const legacy = new BetterSqlite3(source, { readonly: true });
  const database = new BetterSqlite3(file);
  database.exec('pragma synchronous = full; pragma foreign_keys = on');
  const threads = writerOf(
    database,
    'context_threads',
    'id title metadata next_seq version created_at updated_at',
    rowsTogether,
  );
  const messages = writerOf(
    database,
    'messages',
    'id thread_id seq role content status metadata version created_at',
    rowsTogether,
  );
  const search = writerOf(database, 'message_search', 'message_id tokens token_count', rowsTogether);
  const start = performance.now();
  let count = 0;
  const commit = (): void => {
    count += messages.rows.length;
    database.exec('begin immediate');
    for (const writer of [threads, messages, search]) writer.write();
    database.exec('commit');
  };
  for (const row of legacy.prepare('select * from context_threads').iterate() as Iterable<LegacyThread>) {
    const elements = JSON.parse(row.messages) as LegacyMessage[];
    threads.rows.push([
      row.id,
      row.title,
      row.metadata,
      elements.length + 1,
      1,
      row.created_at,
      row.updated_at,
    ]);
    for (const [index, one] of elements.entries()) {
      const { id, role, content, createdAt, status = 'complete', metadata } = one;
      const json = metadata === undefined ? null : JSON.stringify(metadata);
      messages.rows.push([id, row.id, index + 1, role, content, status, json, 1, createdAt]);
      const tokens = searchTokens(content);
      search.rows.push([id, tokenColumn(tokens), tokens.length]);
    }
    if (messages.rows.length >= messagesTogether) commit();
  }
  commit();
  const rate = (count * 1_000) / (performance.now() - start);
  database.close();
  legacy.close();
  return rate;
}

function tell(what: string, rates: readonly number[]): number {
  const { median, low, high } = spreadOf(rates);
  console.log(`${what}: ${median.toFixed(0)} messages/s (${low.toFixed(0)} to ${high.toFixed(0)})`);
  return median;
}

async function measureSqlite(): Promise<boolean> {
  const rates: Record<'import' | 'proved' | 'many' | 'single' | 'processor', number[]> = {
    import: [],
    proved: [],
    many: [],
    single: [],
    processor: [],
  };
  const works = [
    async () => {
      const { rate, proved, processor } = await runImport(`sqlite:${newFile()}`);
      rates.import.push(rate);
      rates.processor.push(processor);
      rates.proved.push(proved);
    },
    async () => void rates.many.push(await runRaw(rowsPerStatement)),
    async () => void rates.single.push(await runRaw(1)),
  ];
  // Each comes first, in the middle and last in turn.
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < works.length; turn += 1) await works[(round + turn) % works.length]!();
  }
  const rate = tell('SQLite, import', rates.import);
  tell('SQLite, snapshot, import and proof', rates.proved);
  tell('SQLite, snapshot, import and proof, by the time of the processor', rates.processor);
  tell(`SQLite, the raw driver by statements of ${rowsPerStatement} rows`, rates.many);
  tell('SQLite, the raw driver row by row', rates.single);
  for (const [what, raw] of [
    [`statements of ${rowsPerStatement} rows`, rates.many],
    ['row by row', rates.single],
  ] as const) {
    const ratios = spreadOf(rates.import.map((one, round) => one / raw[round]!));
    const [median, low, high] = [ratios.median, ratios.low, ratios.high].map((ratio) => ratio.toFixed(2));
    console.log(`SQLite, import beside the raw driver, ${what}: ${median} (${low} to ${high})`);
  }
  console.log(`SQLite: ${rate >= target ? 'met' : 'MISSED'}: at least ${target} messages/s`);
  return rate >= target;
}

async function measurePostgres(): Promise<void> {
  const { databases: server } = await getPostgresServer();
  const rates: number[] = [];
  for (let round = 0; round < Math.min(3, rounds); round += 1) {
    const url = await server.take();
    rates.push((await runImport(url)).rate);
    server.remove(url);
  }
  tell('Postgres, import', rates);
}

try {
  const isMet = values.engine === 'postgres' || (await measureSqlite());
  if (values.engine !== 'sqlite') await measurePostgres();
  if (values.check && !isMet) process.exitCode = 1;
} finally {
  await stopPostgresServer();
  rmSync(folder, { recursive: true, force: true });
}

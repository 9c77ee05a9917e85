/**
 * `npm run bench:plain-kysely`: the escape check of `liminal-data/testing` on Kysely with its own dialects, and on
 * this library beside it, with the same seed. It shows what the check is for; nothing is held against the figures.
 *
 * Options: `--histories 10000`, `--seed 1`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import BetterSqlite3 from 'better-sqlite3';
import { Kysely, PostgresDialect, SqliteDialect, type Dialect } from 'kysely';
import pg from 'pg';
import { DatabaseProviderFactory, UnitOfWork } from '../../src/core/index.ts';
import {
  checkEscape,
  kyselyEscapeSubject,
  unitOfWorkSource,
  type EscapeOptions,
  type EscapeSubjectOptions,
  type TransactionSource,
} from '../../src/core/testing/index.ts';
import { getPostgresServer, stopPostgresServer } from '../../test/support/postgres-server.ts';

type Tables = Record<string, never>;

/** A database, and the dialect that Kysely itself has for it. */
interface Place {
  readonly url: string;
  readonly makeDialect: () => Dialect;
}

const { values } = parseArgs({
  options: { histories: { type: 'string', default: '10000' }, seed: { type: 'string', default: '1' } },
});
const seed = Number(values.seed);
const folder = mkdtempSync(join(tmpdir(), 'liminal-demonstration-'));
try {
  await demonstrate('SQLite file', placeOfSqlite(folder));
  await demonstrate('Postgres', placeOfPostgres((await getPostgresServer()).adminUrl));
} finally {
  await stopPostgresServer();
  rmSync(folder, { recursive: true, force: true });
}

/** Each connection of Kysely alone has a file of its own: what hangs keeps the lock of its file. */
function placeOfSqlite(directory: string): Place {
  let files = 0;
  return {
    url: `sqlite:${join(directory, 'provider.db')}`,
    makeDialect: () => {
      files += 1;
      const filename = join(directory, `${files}.db`);
      return new SqliteDialect({
        async database() {
          const database = new BetterSqlite3(filename);
          database.pragma('journal_mode = wal');
          return database;
        },
      });
    },
  };
}

function placeOfPostgres(url: string): Place {
  return {
    url,
    makeDialect: () => {
      const pool = new pg.Pool({ connectionString: url, max: 10 });
      // The server ends before what hangs there does.
      pool.on('error', () => undefined);
      return new PostgresDialect({ pool });
    },
  };
}

async function demonstrate(name: string, { url, makeDialect }: Place): Promise<void> {
  const opened: Kysely<Tables>[] = [];
  const openPlain = (): TransactionSource => {
    const db = new Kysely<Tables>({ dialect: makeDialect() });
    opened.push(db);
    return { db, transaction: (work) => db.transaction().execute(work) };
  };
  const histories = Number(values.histories);
  // What hangs there is shown for itself below: each time it would take as long as the watchdog waits.
  const alike = { usesRoot: false, usesStreams: false };
  await report(`${name}, Kysely alone`, openPlain(), alike, { histories });
  const hanging = { restart: async () => openPlain() };
  const few = { histories: 100, watchdog: 250, shrinkFor: 0 };
  await report(`${name}, Kysely alone, root handle`, openPlain(), { ...hanging, usesStreams: false }, few);
  await report(`${name}, Kysely alone, streams`, openPlain(), { ...hanging, usesRoot: false }, few);
  {
    await using provider = DatabaseProviderFactory.createProvider<Tables>({ url, slowQueryThreshold: 0 });
    await report(`${name}, provider`, provider, {}, { histories });
    const source = unitOfWorkSource(new UnitOfWork<Tables>(provider), provider);
    await report(`${name}, unit of work`, source, {}, { histories });
  }
  // Those that hung hold their connection for ever, and end with the process.
  for (const db of opened) void db.destroy().catch(() => undefined);
}

async function report(
  title: string,
  source: TransactionSource,
  subject: EscapeSubjectOptions,
  options: EscapeOptions,
): Promise<void> {
  const started = performance.now();
  const { counterexample, ...counts } = await checkEscape(kyselyEscapeSubject(source, subject), {
    seed,
    ...options,
  });
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  const { histories, escaped, lost, hangs, misfired, masked } = counts;
  console.log(
    `${title}: ${histories} histories, ${escaped} escaped, ${lost} lost, ${hangs} hung, ${misfired} misfired, ${masked} masked (${seconds} s)`,
  );
  for (const line of counterexample?.trace ?? []) console.log(`    ${line}`);
  for (const { message } of counterexample?.faults ?? []) console.log(`  = ${message}`);
}

process.exit(0);

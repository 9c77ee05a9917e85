import { expect } from 'chai';
import fc from 'fast-check';
import type { KyselyPlugin } from 'kysely';
import { DatabaseProviderFactory, prepare, UnitOfWork, type Param } from '../../../src/core/index.ts';
import { createQueryMetrics, type QueryMetrics } from '../../../src/core/metrics/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';

interface Tables {
  items: { id: number; name: string };
  notes: { id: number; score: number };
}

type Provider = ReturnType<typeof DatabaseProviderFactory.createProvider<Tables>>;
type Path = (typeof paths)[number];

/** What a statement of a program is. */
type Statement =
  | { readonly kind: 'read'; readonly rows: number }
  | { readonly kind: 'write'; readonly rows: number }
  | { readonly kind: 'duplicate' | 'missing' | 'aborted' };

/** A way on which statements go to the database. */
const paths = [
  'prepared',
  'builder',
  'raw',
  'batch',
  'stream',
  'transaction',
  'builder in a transaction',
  "Kysely's transaction",
  'a held connection',
  'nested units of work',
] as const;

interface Step {
  readonly path: Path;
  readonly statements: readonly Statement[];
  /** How many rows the reader of a stream takes. */
  readonly taken: number;
}

const rows = fc.integer({ min: 0, max: 5 });
const statement: fc.Arbitrary<Statement> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('read' as const), rows }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('write' as const), rows }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('duplicate', 'missing', 'aborted') }) },
);
const step: fc.Arbitrary<Step> = fc.record({
  path: fc.constantFrom(...paths),
  statements: fc.array(statement, { minLength: 1, maxLength: 4 }),
  taken: fc.integer({ min: 1, max: 6 }),
});

const noPlugin: KyselyPlugin = {
  transformQuery: ({ node }) => node,
  transformResult: async ({ result }) => result,
};

/** What is counted of one kind of statement. */
interface Count {
  calls: number;
  failures: number;
  rows: number;
  affected: number;
}

/** What the metrics have to say, kept by whoever sends the statements. */
class Model {
  readonly counts = new Map<string, Count>();

  note({ kind, ...known }: Statement, outcome: 'done' | 'failed'): void {
    const name = names[kind];
    const count = this.counts.get(name) ?? { calls: 0, failures: 0, rows: 0, affected: 0 };
    this.counts.set(name, count);
    count.calls += 1;
    const many = 'rows' in known ? known.rows : 0;
    if (outcome === 'failed') count.failures += 1;
    else if (kind === 'read') count.rows += many;
    else if (kind === 'write') count.affected += many;
  }
}

const names: Readonly<Record<Statement['kind'], string>> = {
  read: 'select items',
  write: 'update notes',
  duplicate: 'insert items',
  missing: 'select missing',
  aborted: 'select items',
};

function countsOf(metrics: QueryMetrics): Map<string, Count> {
  const counts = new Map<string, Count>();
  for (const { operation, tables, calls, failures, rows: many, affected } of metrics.queries()) {
    const name = `${operation} ${tables.join(' ')}`;
    const count = counts.get(name) ?? { calls: 0, failures: 0, rows: 0, affected: 0 };
    counts.set(name, count);
    count.calls += calls;
    count.failures += failures;
    count.rows += many;
    count.affected += affected;
  }
  return counts;
}

/** Runs programs, and notes what has to be counted. */
class Runner {
  readonly model = new Model();
  readonly #provider: Provider;
  readonly #hasPlugins: boolean;
  readonly #read;
  readonly #write;
  readonly #duplicate;
  readonly #units;

  constructor(provider: Provider, hasPlugins: boolean) {
    this.#provider = provider;
    this.#hasPlugins = hasPlugins;
    this.#units = new UnitOfWork<Tables>(provider);
    this.#read = prepare(provider, (db, param: Param<{ most: number }>) =>
      db.selectFrom('items').select('id').where('id', '<=', param('most')),
    );
    this.#write = prepare(provider, (db, param: Param<{ most: number }>) =>
      db.updateTable('notes').set({ score: 1 }).where('id', '<=', param('most')),
    );
    this.#duplicate = prepare(provider, (db, param: Param<{ id: number }>) =>
      db.insertInto('items').values({ id: param('id'), name: 'again' }),
    );
  }

  async run({ path, statements, taken }: Step): Promise<void> {
    const provider = this.#provider;
    switch (path) {
      case 'prepared':
      case 'builder':
      case 'raw':
        for (const each of statements) await this.#send(each, path === 'prepared', undefined);
        return;
      case 'batch':
        return this.#batch(statements.filter(({ kind }) => kind !== 'missing' && kind !== 'aborted'));
      case 'stream':
        for (const each of statements) if (each.kind === 'read') await this.#stream(each, taken);
        return;
      case 'a held connection':
        return provider.db.connection().execute(async (db) => {
          for (const each of statements) await this.#send(each, false, db);
        });
      case "Kysely's transaction":
        return ignoreFailure(
          provider.db.transaction().execute((tx) => this.#sendInTurn(statements, false, tx)),
        );
      case 'nested units of work':
        return ignoreFailure(
          this.#units.run(async ({ db }) => {
            await this.#send({ kind: 'read', rows: taken % 6 }, true, db);
            await this.#units.run((inner) => this.#sendInTurn(statements, true, inner.db));
          }),
        );
      default: {
        const isPrepared = path === 'transaction';
        return ignoreFailure(provider.transaction((tx) => this.#sendInTurn(statements, isPrepared, tx)));
      }
    }
  }

  /** Up to the first that fails: behind it a transaction sends nothing. */
  async #sendInTurn(
    statements: readonly Statement[],
    isPrepared: boolean,
    on: Provider['db'],
  ): Promise<void> {
    for (const each of statements) {
      if (each.kind === 'aborted') continue;
      if (!(await this.#send(each, isPrepared, on))) throw new Error('undo');
    }
  }

  async #send(each: Statement, isPrepared: boolean, on: Provider['db'] | undefined): Promise<boolean> {
    const sent = this.#start(each, isPrepared, on);
    const isDone = await sent.then(
      () => true,
      () => false,
    );
    expect(isDone).to.equal(each.kind === 'read' || each.kind === 'write');
    this.model.note(each, isDone ? 'done' : 'failed');
    return isDone;
  }

  #start(each: Statement, isPrepared: boolean, on: Provider['db'] | undefined): Promise<unknown> {
    const db = on ?? this.#provider.db;
    switch (each.kind) {
      case 'read':
        if (isPrepared) return this.#read.execute({ most: each.rows }, { on });
        return db.selectFrom('items').select('id').where('id', '<=', each.rows).execute();
      case 'write':
        if (isPrepared) return this.#write.execute({ most: each.rows }, { on });
        return on === undefined
          ? this.#provider.exec('update notes set score = 1 where id <= ?', [each.rows])
          : db.updateTable('notes').set({ score: 1 }).where('id', '<=', each.rows).execute();
      case 'duplicate':
        return this.#duplicate.execute({ id: 1 }, { on });
      case 'missing':
        return on === undefined
          ? this.#provider.query('select name from missing')
          : db
              .selectFrom('missing' as 'items')
              .select('name')
              .execute();
      case 'aborted':
        return this.#read.execute({ most: 5 }, { on, signal: AbortSignal.abort() });
    }
  }

  async #batch(statements: readonly Statement[]): Promise<void> {
    const members = statements.map((each) => {
      if (each.kind === 'read') return this.#read.with({ most: each.rows });
      return each.kind === 'write' ? this.#write.with({ most: each.rows }) : this.#duplicate.with({ id: 1 });
    });
    await ignoreFailure(this.#provider.batch(members));
    const failure = statements.findIndex(({ kind }) => kind === 'duplicate');
    // One that plugins have to see goes statement by statement; else all of it fails together.
    const sent = this.#hasPlugins && failure >= 0 ? statements.slice(0, failure + 1) : statements;
    for (const [index, each] of sent.entries()) {
      const isDone = failure < 0 || (this.#hasPlugins && index < failure);
      this.model.note(each, isDone ? 'done' : 'failed');
    }
  }

  async #stream(each: Statement & { kind: 'read' }, taken: number): Promise<void> {
    let seen = 0;
    for await (const _ of this.#read.stream({ most: each.rows }, { chunkSize: 1 })) {
      seen += 1;
      if (seen === taken) break;
    }
    this.model.note({ kind: 'read', rows: seen }, 'done');
  }
}

async function ignoreFailure(work: Promise<unknown>): Promise<void> {
  await work.catch(() => undefined);
}

describeOnEachDatabase('every statement counts once', (database) => {
  const settings = [
    { title: 'directly', workers: 0, plugins: [] },
    { title: 'past plugins', workers: 0, plugins: [noPlugin] },
    ...(database.name === 'sqlite-file' ? [{ title: 'in a worker thread', workers: 1, plugins: [] }] : []),
  ];

  for (const { title, workers, plugins } of settings) {
    it(`as a model counts, whatever runs: ${title}`, async () => {
      const metrics = createQueryMetrics();
      await using provider = DatabaseProviderFactory.createProvider<Tables>(
        { url: await database.freshUrl(), ...(workers > 0 && { connection: { workers } }) },
        { metrics, plugins },
      );
      await provider.exec('create table items (id integer primary key, name text)');
      await provider.exec('create table notes (id integer primary key, score integer)');
      await provider.exec("insert into items values (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd'), (5, 'e')");
      await provider.exec('insert into notes values (1, 0), (2, 0), (3, 0), (4, 0), (5, 0)');
      const program = fc.array(step, { minLength: 1, maxLength: 4 });
      const property = fc.asyncProperty(program, async (steps) => {
        metrics.reset();
        const runner = new Runner(provider, plugins.length > 0);
        for (const each of steps) await runner.run(each);
        expect(countsOf(metrics)).to.deep.equal(runner.model.counts);
        const totals = metrics.totals();
        const counts = [...runner.model.counts.values()];
        expect(totals.calls).to.equal(counts.reduce((sum, { calls }) => sum + calls, 0));
        expect(totals.failures).to.equal(Object.values(totals.errors).reduce((sum, many) => sum + many, 0));
      });
      await fc.assert(property, { numRuns: soakCount(200) });
    });
  }
});

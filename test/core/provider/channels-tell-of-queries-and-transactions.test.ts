import { expect } from 'chai';
import { sql } from 'kysely';
import { tracingChannel, type TracingChannelSubscribers } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import {
  DatabaseProviderFactory,
  UnitOfWork,
  type DatabaseProvider,
  type StatementEvent,
} from '../../../src/core/index.ts';
import type { QueryTrace, TransactionTrace } from '../../../src/core/foundation/tracing-channels.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';

interface Tables {
  notes: { id: number; text: string };
}

interface Heard<Trace> {
  readonly moment: 'start' | 'asyncEnd' | 'error';
  readonly trace: Trace;
  /** As it was at that moment. */
  readonly copy: Trace;
}

function hear<Trace extends object>(name: string): { heard: Heard<Trace>[]; stop: () => void } {
  const heard: Heard<Trace>[] = [];
  const note = (moment: Heard<Trace>['moment']) => (message: unknown) => {
    heard.push({ moment, trace: message as Trace, copy: { ...(message as Trace) } });
  };
  const subscribers = {
    start: note('start'),
    asyncEnd: note('asyncEnd'),
    error: note('error'),
  } as unknown as TracingChannelSubscribers<object>;
  const channel = tracingChannel<unknown, object>(name);
  channel.subscribe(subscribers);
  return { heard, stop: () => channel.unsubscribe(subscribers) };
}

const secret = 'a value that nobody may hear';

describeOnEachDatabase('the tracing channels', (database) => {
  let provider: DatabaseProvider<Tables>;
  let events: StatementEvent[];
  let queries: ReturnType<typeof hear<QueryTrace>>;
  let transactions: ReturnType<typeof hear<TransactionTrace>>;

  beforeEach(async () => {
    events = [];
    provider = DatabaseProviderFactory.createProvider<Tables>(await database.freshUrl(), {
      onStatement: (event) => events.push(event),
    });
    await provider.exec('create table notes (id integer primary key, text varchar(100))');
    for (const id of [1, 2, 3, 4, 5]) await provider.exec('insert into notes values (?, ?)', [id, secret]);
    events = [];
    queries = hear<QueryTrace>('liminal:query');
    transactions = hear<TransactionTrace>('liminal:transaction');
  });
  afterEach(async () => {
    queries.stop();
    transactions.stop();
    await provider.close();
  });

  const ends = () => queries.heard.filter(({ moment }) => moment === 'asyncEnd').map(({ copy }) => copy);
  const starts = () => queries.heard.filter(({ moment }) => moment === 'start').map(({ copy }) => copy);

  const paths: Readonly<Record<string, () => Promise<unknown>>> = {
    directly: () => provider.query('select text from notes where id = ? and text = ?', [1, secret]),
    'through Kysely': () =>
      provider.db.selectFrom('notes').select('text').where('id', '=', 1).where('text', '=', secret).execute(),
    'on a connection that is kept': () =>
      provider.db
        .connection()
        .execute((db) => db.selectFrom('notes').selectAll().where('text', '=', secret).limit(1).execute()),
  };
  for (const [path, run] of Object.entries(paths)) {
    it(`tell of a query that goes ${path}, from its start to its end`, async () => {
      await run();
      expect(queries.heard.map(({ moment }) => moment)).to.deep.equal(['start', 'asyncEnd']);
      expect(starts()[0]).to.deep.equal({
        sql: events[0]!.sql,
        kind: 'single',
        statements: 1,
        transaction: undefined,
      });
      expect(ends()[0]).to.include({ rows: 1 }).and.to.have.property('wait').that.is.at.least(0);
    });
  }

  it('tell of the rows of a stream, also where its reader has enough', async () => {
    const all = provider.db.selectFrom('notes').select('id').orderBy('id').stream(2);
    for await (const { id } of all) if (id === 1) break;
    for await (const { id } of provider.db.selectFrom('notes').select('id').stream(2)) void id;
    await Promise.resolve();
    expect(ends().map(({ kind, rows }) => [kind, rows])).to.deep.equal([
      ['stream', 2],
      ['stream', 5],
    ]);
  });

  it('tell of a batch as one, with the texts of its statements', async () => {
    const one = provider.db.selectFrom('notes').select('id').where('id', '<', 3);
    const two = provider.db.updateTable('notes').set({ text: secret }).where('id', '>', 3);
    await provider.batch([one, two]);
    const [batch] = ends();
    expect(batch).to.include({ kind: 'batch', statements: 2, rows: 2, affected: 2 });
    expect(batch!.sql).to.equal(`${one.compile().sql};\n${two.compile().sql}`);
  });

  it('tell of what fails, with our error, and of its end all the same', async () => {
    const failed = [
      await rejectionOf(provider.query('select nothing from notes where text = ?', [secret])),
      await rejectionOf(sql`select nothing from notes`.execute(provider.db)),
      await rejectionOf(provider.batch([sql`select nothing from notes`.compile(provider.db)])),
    ];
    const errors = queries.heard.filter(({ moment }) => moment === 'error');
    expect(errors.map(({ trace }) => trace.error)).to.deep.equal(failed);
    expect(ends()).to.have.lengthOf(3);
    for (const { rows } of ends()) expect(rows).to.equal(undefined);
  });

  it('tell of transactions by the number that their statements have', async () => {
    await provider.transaction((tx) => tx.selectFrom('notes').selectAll().execute());
    await provider.db.transaction().execute((tx) => tx.selectFrom('notes').selectAll().execute());
    const units = new UnitOfWork(provider);
    await units.run(async ({ db }) => {
      await db.selectFrom('notes').selectAll().execute();
      await units.run(async (inner) => inner.db.selectFrom('notes').selectAll().execute());
    });
    await rejectionOf(
      provider.transaction(async (tx) => {
        await tx.selectFrom('notes').selectAll().execute();
        throw new Error('no');
      }),
    );
    const begun = transactions.heard.filter(({ moment }) => moment === 'start');
    const ended = transactions.heard.filter(({ moment }) => moment === 'asyncEnd');
    expect(ended.map(({ copy }) => copy.outcome)).to.deep.equal([
      'committed',
      'committed',
      'committed',
      'rolled back',
    ]);
    const [a, b, c, d] = begun.map(({ copy }) => copy.transaction);
    expect(new Set([a, b, c, d]).size).to.equal(4);
    const isRead = ({ sql: text }: { readonly sql: string }) => text.startsWith('select');
    const traced = starts().filter(isRead);
    expect(traced.map(({ transaction }) => transaction)).to.deep.equal([a, b, c, c, d]);
    const reads = events.filter(isRead);
    expect(reads.map(({ transaction }) => transaction)).to.deep.equal([a, b, c, c, d]);
  });

  it('hold no parameter and no row, however they are looked at', async () => {
    for (const run of Object.values(paths)) await run();
    await provider.transaction((tx) =>
      tx.insertInto('notes').values({ id: 9, text: secret }).returningAll().execute(),
    );
    for (const { trace } of [...queries.heard, ...transactions.heard]) {
      expect(inspect(trace, { depth: 10, showHidden: true })).not.to.contain(secret);
      expect(JSON.stringify(trace)).not.to.contain(secret);
    }
  });

  it('answer the same with and without subscribers', async () => {
    const ask = () =>
      Promise.all([
        provider.query('select id from notes order by id'),
        provider.db.selectFrom('notes').select('id').orderBy('id').execute(),
        provider.batch([provider.db.selectFrom('notes').select('id').orderBy('id')]),
        provider.transaction((tx) => tx.selectFrom('notes').select('id').orderBy('id').execute()),
      ]);
    const traced = await ask();
    queries.stop();
    transactions.stop();
    const before = queries.heard.length;
    expect(await ask()).to.deep.equal(traced);
    expect(queries.heard).to.have.lengthOf(before);
  });
});

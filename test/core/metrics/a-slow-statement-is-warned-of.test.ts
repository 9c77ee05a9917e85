import { expect } from 'chai';
import { sql } from 'kysely';
import { runAs } from '../../../src/core/foundation/actor-context.ts';
import { silentLogger } from '../../../src/core/foundation/logger.ts';
import { withSlowQueryThreshold } from '../../../src/core/foundation/slow-query-threshold.ts';
import {
  DatabaseProviderFactory,
  type ProviderOptions,
} from '../../../src/core/provider/database-provider-factory.ts';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import { prepare, type Param } from '../../../src/core/query/prepared-query.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { recordingLogger, type LoggedLine } from '../../support/recording-logger.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { SteppingClock } from './stepping-clock.ts';

interface Tables {
  threads: { id: number; status: string; secret: string };
}

describeOnEachDatabase('a slow statement is warned of', (database) => {
  const logger = recordingLogger();
  const clock = new SteppingClock(0);
  let provider: DatabaseProvider<Tables>;

  const open = async (settings: object, options: ProviderOptions<Tables>) => {
    const opened = DatabaseProviderFactory.createProvider<Tables>(
      { url: await database.freshUrl(), ...settings },
      options,
    );
    await opened.db.schema
      .createTable('threads')
      .addColumn('id', 'integer', (column) => column.primaryKey())
      .addColumn('status', 'text')
      .addColumn('secret', 'text')
      .execute();
    return opened;
  };
  /** Runs work of which each statement takes seconds, and gives what was logged of it. */
  const linesOf = async (work: () => Promise<unknown>, step = 1_000): Promise<readonly LoggedLine[]> => {
    logger.lines.length = 0;
    clock.step = step;
    try {
      await work();
      // That of a batch comes behind its turn.
      await Promise.resolve();
    } finally {
      clock.step = 0;
    }
    return [...logger.lines];
  };
  const threads = () => provider.db.selectFrom('threads').selectAll();

  before(async () => {
    provider = await open(
      { slowQueryThreshold: 1_000, pool: { acquireTimeout: 3_600_000, idleTimeout: 0, maxLifetime: 0 } },
      { logger, clock, loggableColumns: ['threads.status'] },
    );
  });
  after(() => provider.close());

  it('with its times, its fingerprint, its rows, its caller, its transaction and its request', async () => {
    const actor = { type: 'user', id: 'u', requestId: 'request-7' } as const;
    const lines = await linesOf(() =>
      runAs(actor, () =>
        provider.transaction(async function workOfTest(tx) {
          await tx
            .selectFrom('threads')
            .selectAll()
            .where('status', '=', 'open')
            .where('secret', '=', 's3cret')
            .execute();
        }),
      ),
    );
    const line = lines.find(({ fields }) => String(fields['query']).startsWith('select'));
    expect(line?.level).to.equal('warn');
    expect(line?.message).to.equal('slow query');
    const { fields } = line!;
    expect(fields['query']).to.equal('select * from threads where status = ? and secret = ?');
    expect(fields['fingerprint']).to.match(/^[0-9a-f]{16}$/u);
    expect(fields['parameters']).to.deep.equal(['open', '[redacted: text 6]']);
    expect(fields).to.include({ kind: 'single', rows: 0, threshold: 1_000, requestId: 'request-7' });
    expect(fields['callSite']).to.match(/workOfTest.*a-slow-statement-is-warned-of\.test\.ts:\d+:\d+/u);
    expect(fields['transaction']).to.be.a('number');
    expect(fields['duration']).to.equal(Number(fields['wait']) + Number(fields['execution']));
    expect(JSON.stringify(lines)).not.to.contain('s3cret');
  });

  it('and one that is not slow is not', async () => {
    expect(await linesOf(() => threads().execute(), 0)).to.deep.equal([]);
  });

  it('whichever way it goes', async () => {
    const byId = prepare(provider, (db, param: Param<{ id: number }>) =>
      db.selectFrom('threads').selectAll().where('id', '=', param('id')),
    );
    const ways: Readonly<Record<string, () => Promise<unknown>>> = {
      prepared: () => byId.execute({ id: 1 }),
      built: () => threads().execute(),
      raw: () => sql`select 1 as one`.execute(provider.db),
      text: () => provider.query('select * from threads where id = ?', [1]),
      write: () => provider.exec('delete from threads where id = ?', [1]),
      stream: async () => {
        for await (const _ of threads().stream(1)) break;
      },
      transaction: () =>
        provider.db.transaction().execute((tx) => tx.selectFrom('threads').selectAll().execute()),
      failing: async () => {
        // Awaited here, as the caller who is looked for.
        await provider.query('select * from nowhere').catch(() => undefined);
      },
    };
    for (const [way, run] of Object.entries(ways)) {
      const slow = (await linesOf(run)).filter(({ fields }) =>
        /^(?:select|delete)/u.test(String(fields['query'])),
      );
      expect(
        slow.map(({ message }) => message),
        way,
      ).to.deep.equal(['slow query']);
      expect(slow[0]?.fields['callSite'], way).to.match(/a-slow-statement-is-warned-of\.test\.ts/u);
    }
  });

  it('and a batch by one line', async () => {
    const lines = await linesOf(() => provider.batch([threads(), threads(), threads()]));
    expect(lines.map(({ message }) => message)).to.deep.equal(['slow query']);
    expect(lines[0]?.fields).to.include({ kind: 'batch', statements: 3 });
    expect(lines[0]?.fields['callSite']).to.match(/a-slow-statement-is-warned-of\.test\.ts/u);
  });

  it('and says which error it failed with, not what the error holds', async () => {
    const lines = await linesOf(() => rejectionOf(provider.query('select * from nowhere')));
    expect(lines.find(({ message }) => message === 'slow query')?.fields['error']).to.match(/^LIMINAL_/u);
  });

  it('and what only waited for a connection is called by another name', async () => {
    const own = recordingLogger();
    const single = await open(
      {
        slowQueryThreshold: 60_000,
        pool: { max: 1, acquireTimeout: 3_600_000, idleTimeout: 0, maxLifetime: 0 },
      },
      { logger: own, clock },
    );
    clock.step = 0;
    let waiting: Promise<unknown> | undefined;
    await single.transaction(async (tx) => {
      const select = tx.selectFrom('threads').selectAll();
      // Begun outside of the transaction, as by another caller.
      waiting = callOutside(() => single.db.selectFrom('threads').select('id').execute());
      await select.execute();
      clock.step = 100_000;
      clock.monotonic();
      clock.step = 0;
    });
    await waiting;
    const lines = own.lines.filter(({ fields }) => fields['query'] === 'select id from threads');
    expect(lines.map(({ message }) => message)).to.deep.equal(['query waited long']);
    expect(lines[0]?.fields['wait']).to.be.at.least(100_000);
    expect(lines[0]?.fields['execution']).to.be.below(60_000);
    await single.close();
  });

  it('where its work has a threshold of its own, from that on', async () => {
    const silent = await linesOf(() => withSlowQueryThreshold(86_400_000, () => threads().execute()));
    expect(silent).to.deep.equal([]);
    expect(await linesOf(() => withSlowQueryThreshold(0, () => threads().execute()))).to.deep.equal([]);
    const lowered = await linesOf(() => withSlowQueryThreshold(1, () => threads().execute()), 1);
    expect(lowered.map(({ fields }) => fields['threshold'])).to.deep.equal([1]);
    expect(await linesOf(() => threads().execute(), 1)).to.deep.equal([]);
    for (const threshold of [-1, 0.5, Number.NaN, 86_400_001]) {
      expect(() => withSlowQueryThreshold(threshold, () => 1))
        .to.throw()
        .with.property('code', 'LIMINAL_VALIDATION');
    }
    expect(() =>
      withSlowQueryThreshold(1, () => {
        throw new Error('of the work');
      }),
    ).to.throw('of the work');
    await rejectionOf(withSlowQueryThreshold(1, () => Promise.reject(new Error('of the work'))));
    expect(await linesOf(() => threads().execute(), 1)).to.deep.equal([]);
  });

  it('and where it is off, nothing is', async () => {
    const own = recordingLogger();
    const off = await open({ slowQueryThreshold: 0 }, { logger: own, clock });
    clock.step = 1_000;
    await off.db.selectFrom('threads').selectAll().execute();
    clock.step = 0;
    expect(own.lines).to.deep.equal([]);
    await off.close();
  });

  it('on the console where nobody has given a logger', async () => {
    const { warn } = console;
    const lines: unknown[][] = [];
    const opened = await open({ slowQueryThreshold: 1_000, pool: { acquireTimeout: 3_600_000 } }, { clock });
    console.warn = (...line) => void lines.push(line);
    try {
      clock.step = 1_000;
      await opened.db.selectFrom('threads').selectAll().where('secret', '=', 's3cret').execute();
    } finally {
      clock.step = 0;
      console.warn = warn;
    }
    expect(lines).to.have.length(1);
    expect(lines[0]).to.have.length(1);
    expect(lines[0]?.[0]).to.match(/^slow query \{"fingerprint":"[0-9a-f]{16}"/u);
    expect(lines[0]?.[0]).not.to.contain('s3cret');
    await opened.close();
  });

  it('and a logger that throws makes no failure of a statement', async () => {
    const faulty = {
      ...silentLogger,
      warn() {
        throw new Error('of the logger');
      },
    };
    const opened = await open(
      { slowQueryThreshold: 1_000, pool: { acquireTimeout: 3_600_000 } },
      { clock, logger: faulty },
    );
    clock.step = 1_000;
    expect(await opened.db.selectFrom('threads').selectAll().execute()).to.deep.equal([]);
    clock.step = 0;
    await opened.close();
  });
});

describeOnEachDatabase('the log of debug', (database) => {
  it('tells of each statement what kind its parameters are, and those of declared columns', async () => {
    const logger = recordingLogger();
    const provider = DatabaseProviderFactory.createProvider<Tables>(
      { url: await database.freshUrl(), debug: true },
      { logger, loggableColumns: ['status'] },
    );
    await provider.exec('create table threads (id integer primary key, status text, secret text)');
    await provider.db.insertInto('threads').values({ id: 7, status: 'open', secret: 's3cret' }).execute();
    const { fields } = logger.lines.find(({ fields: { sql: text } }) => String(text).startsWith('insert'))!;
    expect(fields['parameters']).to.deep.equal(['[redacted: integer]', 'open', '[redacted: text 6]']);
    expect(fields['duration']).to.be.at.least(0);
    expect(JSON.stringify(logger.lines)).not.to.contain('s3cret');
    await provider.close();
  });
});

/** Calls work in the async context of this module, and not in that of its caller. */
const callOutside = (
  (run) =>
  <Result>(work: () => Result): Result =>
    run(work) as Result
)(
  await import('node:async_hooks').then(({ AsyncResource }) =>
    AsyncResource.bind((work: () => unknown) => work()),
  ),
);

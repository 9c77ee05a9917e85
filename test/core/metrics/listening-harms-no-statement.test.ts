import { expect } from 'chai';
import { sql } from 'kysely';
import { setImmediate as turn } from 'node:timers/promises';
import { consoleLogger } from '../../../src/core/metrics/console-logger.ts';
import { fingerprint } from '../../../src/core/metrics/fingerprint.ts';
import { createQueryMetrics, prometheusText, watchNPlusOne } from '../../../src/core/metrics/index.ts';
import { withSlowQueryThreshold } from '../../../src/core/foundation/slow-query-threshold.ts';
import {
  tally,
  type StatementEvent,
  type StatementFacts,
} from '../../../src/core/foundation/statement-event.ts';
import { silentLogger } from '../../../src/core/foundation/logger.ts';
import {
  DatabaseProviderFactory,
  type ProviderOptions,
} from '../../../src/core/provider/database-provider-factory.ts';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { rejectionOf } from '../../support/rejection.ts';

interface Tables {
  notes: { id: number };
}

/** Far longer than a millisecond on any machine. */
const count = 'with recursive n (i) as (select 1 union all select i + 1 from n where i < 150000)';
const throwing = () => {
  throw new Error('of the listener');
};
const brokenLogger = { debug: throwing, info: throwing, warn: throwing, error: throwing };

describeOnEachDatabase('listening harms no statement', (database) => {
  const opened: DatabaseProvider<Tables>[] = [];
  const open = async (options: ProviderOptions<Tables>, settings: object = {}) => {
    const provider = DatabaseProviderFactory.createProvider<Tables>(
      { url: await database.freshUrl(), ...settings },
      options,
    );
    opened.push(provider);
    await provider.exec('create table notes (id integer)');
    return provider;
  };
  const useAll = async (provider: DatabaseProvider<Tables>) => {
    await provider.exec('insert into notes values (1)');
    await provider.db.insertInto('notes').values({ id: 2 }).execute();
    await provider.transaction((tx) => tx.insertInto('notes').values({ id: 3 }).execute());
    await provider.batch([provider.db.selectFrom('notes').selectAll()]);
    await provider.query('select * from notes');
    await provider.query('select * from notes');
    return (await provider.db.selectFrom('notes').selectAll().execute()).length;
  };
  afterEach(async () => {
    for (const provider of opened.splice(0)) await provider.close();
  });

  it('where a listener, a recorder and the logger throw', async () => {
    let heard = 0;
    const onStatement = () => {
      heard += 1;
      throwing();
    };
    const recorder = { record: throwing, [tally]: throwing };
    for (const metrics of [recorder, { record: throwing }]) {
      const provider = await open({ onStatement, metrics, logger: brokenLogger }, { slowQueryThreshold: 1 });
      heard = 0;
      expect(await useAll(provider)).to.equal(3);
      expect(heard).to.equal(7);
    }
  });

  it('where a listener is an async function that rejects', async () => {
    const logger = recordingLogger();
    // An async function, as the types let it pass in JavaScript.
    const onStatement = () => Promise.reject(new Error('of the listener')) as unknown as void;
    const provider = await open({ logger, onStatement });
    expect(await useAll(provider)).to.equal(3);
    await Promise.resolve();
    expect(logger.lines.map(({ message }) => message)).to.include('onStatement has thrown');
  });

  it('and keeps no parameter behind it', async () => {
    const kept: StatementFacts[] = [];
    const metrics = { record() {}, [tally]: (facts: StatementFacts) => void kept.push(facts) };
    const provider = await open({ metrics });
    for (let time = 0; time < 2; time += 1) await provider.query('select * from notes where id = ?', [7]);
    const [last] = kept.slice(-1);
    if (database.name !== 'postgres') expect(last?.parameters).to.deep.equal([]);
    expect(last?.sql).to.contain('select * from notes');
  });

  it('nor the work that is watched for N+1', async () => {
    const provider = await open({});
    const work = async () => {
      for (let time = 0; time < 3; time += 1) await provider.query('select * from notes');
      return 'done';
    };
    expect(await watchNPlusOne(work, { limit: 1, logger: brokenLogger })).to.equal('done');
  });

  it('and a batch is named by its different statements, of which none is explained', async () => {
    const logger = recordingLogger();
    const provider = await open({ logger, explainSlowQueries: { interval: 1_000, largeTable: 1 } });
    const slow = sql<{ i: number }>`(${sql.raw(`${count} select max(i) as i from n`)})`.as('slow');
    const one = provider.db.selectFrom(slow).selectAll();
    const other = provider.db.selectFrom('notes').selectAll();
    await withSlowQueryThreshold(1, async () => {
      await provider.batch([one, other, one, other]);
      await turn();
    });
    const line = logger.lines.find(({ fields }) => fields['statements'] === 4);
    expect(line?.fields['fingerprints']).to.deep.equal(
      [one, other].map((query) => fingerprint(query.compile().sql).id),
    );
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(logger.lines.filter(({ message }) => message.startsWith('plan'))).to.deep.equal([]);
  });

  it('and the steps of a stream have the threshold of their work', async () => {
    const logger = recordingLogger();
    const provider = await open({ logger, slowQueryThreshold: 0, onStatement() {} } as never, {
      slowQueryThreshold: 86_400_000,
    });
    const read = async (stream: AsyncIterable<unknown>) => {
      let rows = 0;
      for await (const _ of stream) rows += 1;
      return rows;
    };
    const slow = sql<{ i: number }>`(${sql.raw(`${count} select i from n limit 20000`)})`.as('slow');
    const stream = () => provider.db.selectFrom(slow).selectAll().stream(1_000);
    expect(await read(withSlowQueryThreshold(1, stream))).to.equal(20_000);
    expect(logger.lines.filter(({ fields }) => fields['kind'] === 'stream')).to.have.length(1);
    expect(await read(stream())).to.equal(20_000);
    expect(logger.lines.filter(({ fields }) => fields['kind'] === 'stream')).to.have.length(1);
  });
});

describeOnDatabase('sqlite-file', 'the time of a prepared read', (database) => {
  it('is told, where it answers and where it fails', async () => {
    const heard: StatementEvent[] = [];
    await using provider = DatabaseProviderFactory.createProvider<Tables>(await database.freshUrl(), {
      logger: silentLogger,
      onStatement: (event) => void heard.push(event),
    });
    const failing = `${count} select max(case when i = 150000 then json_extract('{', '$') else i end) from n`;
    for (let time = 0; time < 2; time += 1) {
      await provider.query(`${count} select max(i) from n`);
      // Else the turn is spent, and what comes next is not answered at once.
      await turn();
      expect(await rejectionOf(provider.query(failing))).to.be.an('error');
      await turn();
    }
    expect(heard).to.have.length(4);
    for (const { duration, wait } of heard) expect(duration - wait).to.be.greaterThan(1);
  });

  it('is not looked for where nobody wants it', async () => {
    await using provider = DatabaseProviderFactory.createProvider<Tables>({
      url: await database.freshUrl(),
      slowQueryThreshold: 0,
      connection: { loopBlockThreshold: 0 },
    });
    await provider.query(`${count} select max(i) from n`);
    expect((await provider.gauges()).loop).to.equal(undefined);
  });
});

describe('what a console is told', () => {
  it('is a line, whatever the fields are, without what a reason holds', () => {
    const { warn } = console;
    const lines: string[] = [];
    const circle: Record<string, unknown> = { token: 'sk_live' };
    circle['circle'] = circle;
    console.warn = (line: string) => void lines.push(line);
    try {
      consoleLogger.warn(
        { big: 1n, error: Object.assign(new Error('sk_live'), { token: 'sk_live' }) },
        'odd',
      );
      consoleLogger.warn(circle, 'round');
    } finally {
      console.warn = warn;
    }
    expect(lines).to.deep.equal(['odd {"big":"1","error":"Error"}', 'round {…}']);
  });

  it('of a failed statement is its reason by name only', async () => {
    const { error: print } = console;
    const lines: string[] = [];
    await using provider = DatabaseProviderFactory.createProvider<Tables>({
      url: 'sqlite::memory:',
      debug: true,
    });
    console.error = (line: string) => void lines.push(line);
    try {
      const signal = AbortSignal.abort({ token: 'sk_live' });
      await rejectionOf(provider.db.selectNoFrom(sql`1`.as('one')).execute({ signal }));
    } finally {
      console.error = print;
    }
    expect(lines.join()).to.contain('statement failed').and.not.contain('sk_live');
  });
});

describe('queries that two endpoints show', () => {
  it('are as many as each of them asks for', async () => {
    const metrics = createQueryMetrics();
    for (let number = 0; number < 20; number += 1) {
      metrics.record({ sql: `select c${number} from t`, duration: 1, wait: 0, kind: 'single' });
    }
    metrics.addRows('select never from counted', 1);
    expect(metrics.queries()).to.have.length(20);
    const shown = async (topQueries: number) => {
      const text = await prometheusText({ databases: { d: { metrics } }, topQueries });
      return new Set(text.match(/fingerprint="[^"]+"/gu)).size;
    };
    expect([await shown(15), await shown(3)]).to.deep.equal([16, 4]);
  });
});

import { expect } from 'chai';
import { sql, type CompiledQuery } from 'kysely';
import type { DatabaseProvider, Engine } from '../../../src/core/index.ts';
import { postgresEngine } from '../../../src/core/engine/postgres/index.ts';
import { sqliteEngine } from '../../../src/core/engine/sqlite/index.ts';
import { recordStatements } from '../../chat/recording-engine.ts';
import { Outbox, OutboxRelay } from '../../../src/core/outbox/index.ts';
import type { OutboxTables } from '../../../src/core/outbox/outbox-tables.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { isSoak } from '../../support/engines.ts';
import { until } from '../../support/until.ts';
import { openOutboxDatabase, type TestTopics } from './outbox-fixture.ts';

/** A whole table read or sorted. Recursive tables are small: they have one row a topic or a key that is looked at. */
const slowStep = {
  'sqlite-file': /^SCAN (?!.*USING (COVERING )?INDEX|t\b|h\b|topics|heads|picked)|USE TEMP B-TREE/,
  postgres: /Seq Scan on outbox|^\s*->\s+Sort/,
} as const;

const size = 100_000;

for (const name of ['sqlite-file', 'postgres'] as const) {
  describeOnDatabase(name, `with a backlog of ${size} messages`, (database) => {
    let provider: DatabaseProvider<OutboxTables>;
    const sent = new Map<string, CompiledQuery>();

    before(async function () {
      this.timeout(60_000);
      provider = await openOutboxDatabase(await database.freshUrl(), {
        engines: [sqliteEngine, postgresEngine].map((engine) =>
          recordStatements(engine as Engine, (statement) => void sent.set(statement.sql, statement)),
        ),
      });
      await fill(provider, name === 'postgres');
    });

    after(() => provider.close());

    const publish = (key: string | undefined, n: number) =>
      provider.transaction((tx) =>
        new Outbox<TestTopics>(provider).publish(tx, { topic: 'work', key, payload: { n } }),
      );

    it('a relay finds what is due behind one long key, without reading it', async function () {
      this.timeout(20_000);
      await publish('zz', 1);
      await publish(undefined, 2);
      const seen: unknown[] = [];
      const wanted = new Set([1, 2]);
      await using relay = new OutboxRelay<TestTopics>(provider, {
        retry: { baseDelay: 3_600_000, maxDelay: 3_600_000 },
        deliver: async ({ payload }) => {
          if (!wanted.has((payload as { n: number }).n)) throw new Error('its key is blocked');
          seen.push(payload);
        },
      });
      const start = performance.now();
      const report = await relay.runOnce();
      const duration = performance.now() - start;
      expect(report).to.deep.equal({ delivered: 2, failed: 1, dead: 0 });
      expect(seen).to.deep.include.members([{ n: 1 }, { n: 2 }]);
      console.log(`figure: a relay on a backlog of ${size}: ${duration.toFixed(0)} ms [${name}]`);
      if (isSoak) expect(duration).to.be.lessThan(1_000);
    });

    it('no statement of a relay reads or sorts a table', async () => {
      sent.clear();
      await publish('y', 3);
      await publish(undefined, 4);
      await using relay = new OutboxRelay<TestTopics>(provider, {
        deliver: async () => {},
        leaseDuration: 50,
      });
      let rounds = 0;
      await using slow = new OutboxRelay<TestTopics>(provider, {
        leaseDuration: 50,
        // As long as it takes until it has given a sign of life.
        deliver: async ({ id }) => {
          const isAlive = provider.db.selectFrom('outbox_messages').select('lease_beat').where('id', '=', id);
          await until(async () => ((await isAlive.executeTakeFirst())?.lease_beat ?? 1) > 0);
          rounds += 1;
        },
      });
      await slow.runOnce();
      await relay.runOnce();
      expect(rounds).to.equal(2);
      const judged = [...sent.values()].filter((statement) => !/^insert/i.test(statement.sql));
      expect(judged.length).to.be.greaterThan(6);
      for (const statement of judged) {
        const steps = await planOf(statement);
        const slowSteps = steps.filter((step) => slowStep[name].test(step));
        expect(slowSteps, `${statement.sql}\n${steps.join('\n')}`).to.deep.equal([]);
      }
    });

    async function planOf(statement: CompiledQuery): Promise<string[]> {
      const explain = name === 'postgres' ? 'explain (costs off)' : 'explain query plan';
      const { rows } = await provider.db.executeQuery<Record<string, string>>({
        ...statement,
        sql: `${explain} ${statement.sql}`,
      });
      return rows.map((row) => row['detail'] ?? row['QUERY PLAN'] ?? '');
    }
  });
}

/** One key with a long line, whose head is due. */
async function fill(provider: DatabaseProvider<OutboxTables>, isPostgres: boolean): Promise<void> {
  const numbers = isPostgres
    ? sql`generate_series(1, ${sql.lit(size)}) as numbers (n)`
    : sql`(with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${sql.lit(size)}) select n from numbers) as numbers`;
  const id = isPostgres
    ? sql`cast('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0') as uuid)`
    : sql`'00000000-0000-7000-8000-' || printf('%012x', n)`;
  await sql`insert into outbox_messages (id, topic, key, seq, payload, headers, created_at, attempts, available_at, fence, lease_beat)
    select ${id}, 'work', 'long', n, '{"n":0}', '{}', 1, 0, 0, 0, 0 from ${numbers}`.execute(provider.db);
  await provider.db
    .insertInto('outbox_keys')
    .values({ topic: 'work', key: 'long', last_seq: size })
    .execute();
  await sql.raw(isPostgres ? 'vacuum analyze outbox_messages' : 'analyze').execute(provider.db);
}

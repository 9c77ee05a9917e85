import { expect } from 'chai';
import { sql } from 'kysely';
import type { DatabaseProvider } from '../../../src/core/index.ts';
import { CommitOutcomeUnknownError, silentLogger, systemClock } from '../../../src/core/index.ts';
import { Outbox, OutboxRelay, type RelayOptions } from '../../../src/core/outbox/index.ts';
import type { OutboxProvider } from '../../../src/core/outbox/outbox-provider.ts';
import type { OutboxTables } from '../../../src/core/outbox/outbox-tables.ts';
import { Upkeep } from '../../../src/core/outbox/upkeep.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';
import { countRows, openOutboxDatabase, type TestTopics } from './outbox-fixture.ts';

const somebody = '00000000-0000-4000-8000-000000000000';

describeOnEachDatabase('a relay', (database) => {
  let provider: DatabaseProvider<OutboxTables>;
  let seen: unknown[];

  beforeEach(async () => {
    provider = await openOutboxDatabase(await database.freshUrl());
    seen = [];
  });

  afterEach(() => provider.close());

  type Publication = readonly [key: string | undefined, n: number, topic?: 'work' | 'other'];
  /** In one transaction, which takes less time than one for each. */
  const publishAll = (publications: readonly Publication[]) =>
    provider.transaction(async (tx) => {
      const outbox = new Outbox<TestTopics>(provider);
      for (const [key, n, topic = 'work'] of publications) {
        await outbox.publish(
          tx,
          topic === 'work' ? { topic, key, payload: { n } } : { topic, key, payload: String(n) },
        );
      }
    });
  const publish = (...publication: Publication) => publishAll([publication]);
  const relayOf = (options: Partial<RelayOptions<TestTopics>> = {}) =>
    new OutboxRelay<TestTopics>(provider, {
      pollInterval: 10,
      deliver: async ({ payload }) => void seen.push(payload),
      ...options,
    });

  it('that runs once delivers what a process that is gone has left leased', async () => {
    await publish('a', 1);
    await provider.db
      .updateTable('outbox_messages')
      .set({ lease_owner: somebody, lease_duration: 60, fence: 1 })
      .execute();
    await using relay = relayOf();
    expect(await relay.runOnce()).to.include({ delivered: 1 });
  });

  it('that runs once waits for no delivery whose owner lives', async () => {
    await publish('a', 1);
    const release = Promise.withResolvers<void>();
    let begun = 0;
    const deliver = async () => {
      begun += 1;
      await release.promise;
    };
    await using owner = relayOf({ leaseDuration: 2_000, deliver });
    owner.start();
    await until(() => begun === 1);
    await using relay = relayOf();
    expect(await relay.runOnce()).to.deep.equal({ delivered: 0, failed: 0, dead: 0 });
    release.resolve();
  });

  it('that runs once returns, however many keys of however many topics cannot be delivered', async () => {
    for (const topic of ['work', 'other'] as const) {
      await publishAll(Array.from({ length: 250 }, (_, n) => [`k${n}`, n, topic]));
    }
    await provider.db
      .updateTable('outbox_messages')
      .set({ available_at: Date.now() + 600_000 })
      .execute();
    // The topics are looked at out of step from now on.
    await publish(undefined, 1, 'other');
    await using relay = relayOf({ concurrency: 1 });
    expect(await relay.runOnce()).to.include({ delivered: 1 });
  });

  it('that runs once delivers all that is due, among however many keys that are not', async () => {
    await publishAll(Array.from({ length: 250 }, (_, n) => [`k${n}`, n]));
    await provider.db
      .updateTable('outbox_messages')
      .set({ available_at: Date.now() + 60_000 })
      .execute();
    // More than follow each other in one key before others have their turn, and keys at both ends.
    await publishAll(Array.from({ length: 120 }, (_, n) => ['k17b', n]));
    for (const key of ['a', 'z', 'k99z']) await publish(key, 1);
    await using relay = relayOf({ concurrency: 2 });
    expect(await relay.runOnce()).to.include({ delivered: 123 });
  });

  it('that runs once forgets keys as well', async () => {
    await publish('a', 1);
    await publish('b', 1);
    await provider.db
      .updateTable('outbox_messages')
      .set({ available_at: Date.now() + 60_000 })
      .where('key', '=', 'b')
      .execute();
    await using relay = relayOf();
    await relay.runOnce();
    expect(await provider.db.selectFrom('outbox_keys').select('key').execute()).to.deep.equal([{ key: 'b' }]);
  });

  it('that runs once is waited for by its end', async () => {
    let stopping: Promise<void> | undefined;
    await using watched = await openOutboxDatabase(await database.freshUrl(), {
      onStatement: ({ sql: text }) => {
        if (/^\s*update outbox_messages set lease_owner/.test(text)) stopping ??= relay.stop();
      },
    });
    await watched.transaction((tx) =>
      new Outbox<TestTopics>(watched).publish(tx, { topic: 'work', payload: { n: 1 } }),
    );
    const relay = new OutboxRelay<TestTopics>(watched, {
      deliver: async (message) => void seen.push(message),
    });
    const running = relay.runOnce();
    await until(() => stopping !== undefined);
    await stopping;
    const row = await watched.db.selectFrom('outbox_messages').select(['attempts', 'lease_owner']).execute();
    expect(row).to.deep.equal([{ attempts: 0, lease_owner: null }]);
    expect(await running).to.deep.equal({ delivered: 0, failed: 0, dead: 0 });
  });

  it('delivers what it has leased where the next claim of the same look fails', async () => {
    await publish(undefined, 1, 'work');
    await publish(undefined, 2, 'other');
    // The topics have their turns, and the second one of the first look is this one.
    const refusal =
      database.name === 'postgres'
        ? [
            `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$`,
            `create trigger refuse before update on outbox_messages for each row when (new.topic = 'other') execute function refuse()`,
          ]
        : [
            `create trigger refuse before update on outbox_messages when new.topic = 'other' begin select raise(abort, 'refused'); end`,
          ];
    for (const text of refusal) await sql.raw(text).execute(provider.db);
    let errors = 0;
    await using relay = relayOf({ onEvent: ({ type }) => void (errors += type === 'error' ? 1 : 0) });
    relay.start();
    await until(() => seen.length === 1);
    await until(() => errors > 0);
    expect(seen).to.deep.equal([{ n: 1 }]);
  });

  it('minds no listener that throws, now or later', async () => {
    const reported: unknown[] = [];
    const logger = { ...silentLogger, error: ({ error }: { error?: unknown }) => void reported.push(error) };
    const late = new Error('later');
    await publish(undefined, 1);
    await using relay = relayOf({ logger, onEvent: (): unknown => Promise.reject(late) });
    expect(await relay.runOnce()).to.include({ delivered: 1 });
    await until(() => reported.length === 1);
    expect(reported).to.deep.equal([late]);
  });

  it('minds no logger that throws', async () => {
    const fail = () => {
      throw new Error('the disk is full');
    };
    const logger = { debug: fail, info: fail, warn: fail, error: fail };
    await sql`alter table outbox_messages rename to away`.execute(provider.db);
    let errors = 0;
    await using relay = relayOf({
      logger,
      onEvent: ({ type }) => {
        if (type === 'error') errors += 1;
        throw new Error('the metrics are down');
      },
    });
    relay.start();
    await until(() => errors >= 2);
    await sql`alter table away rename to outbox_messages`.execute(provider.db);
    await publish(undefined, 1);
    await until(() => seen.length === 1);
  });

  it('knows what it has delivered and leased, also where the outcome of the commit is unknown', async () => {
    for (const n of [1, 2]) await publish('a', n);
    let unknown = 0;
    const faulty: OutboxProvider = {
      db: provider.db,
      sql: provider.sql,
      async transaction(work, options) {
        const result = await provider.transaction(work, options);
        unknown += 1;
        if (unknown === 1) throw new CommitOutcomeUnknownError('nobody knows');
        return result;
      },
    };
    const events: string[] = [];
    await using relay = new OutboxRelay<TestTopics>(faulty, {
      retry: { attempts: 1 },
      deliver: async ({ payload }) => void seen.push(payload),
      onEvent: ({ type }) => void events.push(type),
    });
    relay.start();
    await until(() => events.length === 2);
    expect(seen).to.deep.equal([{ n: 1 }, { n: 2 }]);
    expect(events).to.deep.equal(['delivered', 'delivered']);
    expect(await countRows(provider, 'outbox_messages')).to.equal(0);
  });
});

for (const name of ['sqlite-file', 'sqlite-memory'] as const) {
  // Postgres keeps no text that is no JSON in such a column.
  describeOnDatabase(name, 'a message whose row is spoiled', (database) => {
    it('becomes a dead letter that says why, and disturbs nobody beside it', async () => {
      await using provider = await openOutboxDatabase(await database.freshUrl());
      const outbox = new Outbox<TestTopics>(provider);
      for (const [key, n] of [
        ['a', 1],
        ['a', 2],
        [undefined, 3],
        [undefined, 4],
      ] as const) {
        await provider.transaction((tx) => outbox.publish(tx, { topic: 'work', key, payload: { n } }));
      }
      await provider.db.connection().execute(async (db) => {
        await sql`pragma ignore_check_constraints = on`.execute(db);
        await sql`update outbox_messages set payload = '{' where payload in ('{"n":1}', '{"n":3}')`.execute(
          db,
        );
        await sql`pragma ignore_check_constraints = off`.execute(db);
      });
      const seen: unknown[] = [];
      await using relay = new OutboxRelay<TestTopics>(provider, {
        deliver: async ({ payload }) => void seen.push(payload),
      });
      expect(await relay.runOnce()).to.deep.equal({ delivered: 2, failed: 0, dead: 2 });
      expect(seen.length).to.equal(2);
      const dead = await provider.db
        .selectFrom('outbox_dead_letters')
        .select(['last_error', 'payload'])
        .execute();
      for (const { last_error, payload } of dead) {
        expect(last_error).to.contain('JSON');
        expect(payload).to.equal('"{"');
      }
    });
  });
}

describeOnDatabase('postgres', 'a relay', (database) => {
  let provider: DatabaseProvider<OutboxTables>;
  let outbox: Outbox<TestTopics>;

  beforeEach(async () => {
    provider = await openOutboxDatabase(await database.freshUrl());
    outbox = new Outbox(provider);
  });

  afterEach(() => provider.close());

  it('does not wait for publishers in order to forget their keys', async () => {
    const publish = (n: number) =>
      provider.transaction((tx) => outbox.publish(tx, { topic: 'work', key: 'a', payload: { n } }));
    await publish(1);
    await provider.db.deleteFrom('outbox_messages').execute();
    const upkeep = new Upkeep(systemClock, provider.sql);
    let isTended = false;
    const committed = Promise.withResolvers<void>();
    const publishing = provider.transaction(async (tx) => {
      await outbox.publish(tx, { topic: 'work', key: 'a', payload: { n: 2 } });
      await committed.promise;
    });
    try {
      await until(
        async () =>
          (
            await provider.query(
              `select 1 from pg_locks where mode = 'RowExclusiveLock' and relation = 'outbox_keys'::regclass`,
            )
          ).length > 0,
      );
      void upkeep.tendOnce(provider.db).then(() => (isTended = true));
      await until(() => isTended);
    } finally {
      committed.resolve();
      await publishing;
    }
    const rows = await provider.db.selectFrom('outbox_keys').select('last_seq').execute();
    expect(rows).to.deep.equal([{ last_seq: 2 }]);
    await provider.db.deleteFrom('outbox_messages').execute();
    await upkeep.tendOnce(provider.db);
    expect(await countRows(provider, 'outbox_keys')).to.equal(0);
  });

  it('tells a delivery that its lease has run out, also where its sign of life hangs', async () => {
    await provider.transaction((tx) => outbox.publish(tx, { topic: 'work', payload: { n: 1 } }));
    const aborted = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    await using relay = new OutboxRelay<TestTopics>(provider, {
      leaseDuration: 100,
      pollInterval: 10,
      deliver: async (_, { signal, attempt }) => {
        if (attempt > 1) return;
        signal.addEventListener('abort', () => aborted.resolve());
        begun.resolve();
        await new Promise(() => {});
      },
    });
    relay.start();
    await begun.promise;
    await provider.transaction(async (tx) => {
      await sql`select 1 from outbox_messages for update`.execute(tx);
      await aborted.promise;
    });
    await until(async () => (await countRows(provider, 'outbox_messages')) === 0);
  });
});

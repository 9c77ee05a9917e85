/**
 * Answers are lost on their way back, above all the one to COMMIT: whoever runs such a unit of work again
 * without asking has it twice. The library asks the server what became of the transaction and says so; the
 * caller here does what each verdict tells, and in the end every unit is there exactly once.
 */
import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { CommitOutcomeUnknownError, ConnectionError } from '../../../../../src/core/index.ts';
import { soakCount } from '../../../../support/engines.ts';
import { pickSeed, seededRandom, type Random } from '../../../../support/seeded-random.ts';
import { cutAt } from '../../../../support/toxics.ts';
import { describeOnPostgres } from '../postgres-harness.ts';
import { expectAtRest, printFigure, proxiesOf, type ProxiedDatabase } from './fault-harness.ts';

/** CommandComplete, as the server says it behind a COMMIT. */
const committed = commandComplete('COMMIT');

const workers = 6;
const acquireTimeout = 20_000;

describeOnPostgres('a lost answer never doubles a write', (postgres) => {
  const openThroughProxy = proxiesOf(postgres);
  let watcher: pg.Pool;

  async function open(): Promise<ProxiedDatabase> {
    const opened = await openThroughProxy({ pool: { max: 4, acquireTimeout } });
    watcher = new pg.Pool({ connectionString: opened.url, max: workers });
    // The server may end a connection that is being closed.
    watcher.on('error', () => undefined);
    return opened;
  }
  afterEach(() => watcher?.end());

  const countOf = async (token: string): Promise<number> => {
    const { rows } = await watcher.query<{ count: number }>(
      'select count(*)::integer as count from tokens where token = $1',
      [token],
    );
    return rows[0]?.count ?? 0;
  };

  const ways = {
    transaction: ({ provider }: ProxiedDatabase, token: string): Promise<unknown> =>
      provider.transaction(async (tx) => {
        await tx.selectFrom('tokens').select('token').limit(1).execute();
        await tx.insertInto('tokens').values({ token }).execute();
      }),
    'transaction of one insert': ({ provider }: ProxiedDatabase, token: string): Promise<unknown> =>
      provider.transaction((tx) => tx.insertInto('tokens').values({ token }).execute()),
    batch: ({ provider }: ProxiedDatabase, token: string): Promise<unknown> =>
      provider.batch([
        provider.db.insertInto('tokens').values({ token }),
        provider.db.selectFrom('tokens').select('token').where('token', '=', token),
      ]),
  };

  for (const [name, run] of Object.entries(ways)) {
    it(`the reply to the COMMIT of a ${name}: asked for, and told as done`, async function () {
      this.timeout(600_000);
      const opened = await open();
      const count = Math.ceil(soakCount(1_000) / 3);
      let cuts = 0;
      let slowest = 0;
      opened.proxy.infect(
        'toClient',
        cutAt(committed, () => {
          cuts += 1;
          return true;
        }),
      );
      await inParallel(count, async () => {
        const token = randomUUID();
        const start = performance.now();
        await run(opened, token);
        slowest = Math.max(slowest, performance.now() - start);
        expect(await countOf(token)).to.equal(1);
      });
      printFigure(
        `the reply to COMMIT lost, ${name}: ${cuts} lost, ${count} of ${count} told as committed, none doubled; ` +
          `slowest ${slowest.toFixed(0)} ms`,
      );
      expect(cuts).to.equal(count);
      // Whoever could not ask would have to give up at the deadline of the pool.
      expect(slowest).to.be.below(acquireTimeout);
      await expectAtRest(opened.provider);
    });

    // A batch goes whole, so that its number may be lost as well; then nobody can ask, and the error says so.
    const verdict = name === 'batch' ? 'left to the caller' : 'told as rolled back, and retryable';
    it(`the COMMIT of a ${name} itself: ${verdict}`, async function () {
      this.timeout(120_000);
      const opened = await open();
      opened.proxy.infect(
        'toServer',
        cutAt('commit\0', () => true),
      );
      await inParallel(soakCount(100), async () => {
        const token = randomUUID();
        const error = await run(opened, token).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        if (error instanceof CommitOutcomeUnknownError && name === 'batch') {
          expect(error).to.include({ xid: undefined, retryable: false });
        } else {
          expect(error).to.be.instanceOf(ConnectionError).and.to.include({ retryable: true });
        }
        expect(await countOf(token)).to.equal(0);
      });
      opened.proxy.heal();
      await expectAtRest(opened.provider);
    });
  }

  it('any answer, at random, to any kind of write: a caller who heeds the verdicts has each unit once', async function () {
    this.timeout(600_000);
    const seed = pickSeed();
    const random = seededRandom(seed);
    const opened = await open();
    const { provider, proxy, url } = opened;
    const tally = { units: 0, rolledBack: 0, unknown: 0, cuts: 0 };
    const strikes = (share: number) => () => {
      const isCut = random() < share;
      if (isCut) tally.cuts += 1;
      return isCut;
    };
    const kinds = [
      ...Object.values(ways),
      (_: ProxiedDatabase, token: string) => provider.exec('insert into tokens values (?)', [token]),
      (_: ProxiedDatabase, token: string) => provider.db.insertInto('tokens').values({ token }).execute(),
    ];
    const wrong: string[] = [];
    const faults = [
      () => proxy.infect('toClient', cutAt(committed, strikes(0.6))),
      () => proxy.infect('toClient', cutAt(commandComplete('INSERT 0 1'), strikes(0.6))),
      () => proxy.infect('toServer', cutAt('insert into', strikes(0.4))),
      () => proxy.infect('toServer', cutAt('commit\0', strikes(0.6))),
      // ParseComplete: the line goes while a statement is prepared.
      () => proxy.infect('toClient', cutAt(Buffer.from([0x31, 0, 0, 0, 4]), strikes(0.1))),
    ];
    for (const infect of faults) {
      infect();
      await inParallel(Math.ceil(soakCount(1_000) / faults.length), async () => {
        tally.units += 1;
        await workThrough(pickOf(kinds, random), randomUUID());
      });
      proxy.heal();
    }
    const doubled = await postgres.askServer(
      url,
      'select token from tokens group by token having count(*) <> 1',
    );
    printFigure(
      `any answer lost: ${tally.units} units, ${tally.cuts} answers or questions lost, ${tally.rolledBack} told as rolled back, ` +
        `${tally.unknown} left to the caller, ${wrong.length} wrong verdicts, ${doubled.length} doubled (seed ${seed})`,
    );
    expect(wrong, `seed ${seed}`).to.deep.equal([]);
    expect(doubled, `seed ${seed}`).to.deep.equal([]);
    await expectAtRest(provider);

    /** Runs a unit until it is done, as a careful caller does. */
    async function workThrough(run: (typeof kinds)[number], token: string): Promise<void> {
      for (let attempt = 0; attempt < 100; attempt += 1) {
        const error = await Promise.resolve(run(opened, token)).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        const count = await countOf(token);
        if (error === undefined) {
          if (count !== 1) wrong.push(`told as done, and there ${count} times`);
          return;
        }
        if (error instanceof CommitOutcomeUnknownError) {
          tally.unknown += 1;
          // What has a number can be asked for, and a transaction always has one before its COMMIT is sent.
          if (error.xid !== undefined || run === ways.transaction) wrong.push('left open without need');
          if (await settles(token)) return;
        } else if (error instanceof ConnectionError && error.retryable) {
          tally.rolledBack += 1;
          if (count !== 0) wrong.push(`told as rolled back, and there ${count} times`);
        } else {
          throw error as Error;
        }
      }
      wrong.push('never done');
    }

    /**
     * Waits until the server has let go of each line that was cut, since it may not have read yet what was sent on it,
     * then looks.
     */
    async function settles(token: string): Promise<boolean> {
      for (;;) {
        const { rowCount } = await watcher.query(
          `select from pg_stat_activity where datname = current_database()
             and application_name = 'liminal-data' and client_port <> all ($1)`,
          [proxy.serverPorts],
        );
        if (rowCount === 0) return (await countOf(token)) === 1;
      }
    }
  });

  it('a caller who only runs it again has every unit twice: the check can fail', async () => {
    const { proxy, url } = await open();
    const units = 20;
    for (let unit = 0; unit < units; unit += 1) {
      let isFirst = true;
      proxy.infect(
        'toClient',
        cutAt(committed, () => isFirst),
      );
      const token = randomUUID();
      for (let isDone = false; !isDone; isFirst = false) {
        const client = new pg.Client({ connectionString: proxy.urlOf(url) });
        client.on('error', () => undefined);
        await client.connect();
        try {
          await client.query('begin');
          await client.query('insert into tokens values ($1)', [token]);
          await client.query('commit');
          isDone = true;
          await client.end();
        } catch {
          continue;
        }
      }
      expect(await countOf(token)).to.equal(2);
    }
  });
});

async function inParallel(count: number, work: () => Promise<void>): Promise<void> {
  let left = count;
  await Promise.all(
    Array.from({ length: workers }, async () => {
      while (left > 0) {
        left -= 1;
        await work();
      }
    }),
  );
}

function pickOf<Value>(values: readonly Value[], random: Random): Value {
  return values[Math.floor(random() * values.length)] as Value;
}

function commandComplete(tag: string): Buffer {
  const message = Buffer.from(`C\0\0\0\0${tag}\0`);
  message.writeInt32BE(message.length - 1, 1);
  return message;
}

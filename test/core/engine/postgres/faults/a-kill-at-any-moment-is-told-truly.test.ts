/**
 * The backend of a transaction is lost at each of its moments: with each piece of data on its way to the server or
 * back, from BEGIN to the cleaning of the connection, and at each pause between two statements. Mocha fails the
 * running test on an uncaught exception, so that each of these also says: the process lives.
 */
import { expect } from 'chai';
import { sql } from 'kysely';
import { UnitOfWork, type DatabaseProvider } from '../../../../../src/core/index.ts';
import { soakCount } from '../../../../support/engines.ts';
import { TcpProxy } from '../../../../support/tcp-proxy.ts';
import { until } from '../../../../support/until.ts';
import { describeOnPostgres, type Tables } from '../postgres-harness.ts';
import { printFigure } from './fault-harness.ts';
import {
  Killer,
  doABitInside,
  doABitOfEverything,
  judge,
  mine,
  strikes,
  type Pause,
  type Strike,
} from './kill-matrix.ts';

type Run = (provider: DatabaseProvider<Tables>, base: number, pause: Pause) => Promise<unknown>;

const endings: Readonly<Record<string, Run>> = {
  'commits in the end': (provider, base, pause) =>
    provider.transaction((tx) => doABitOfEverything(tx, base, pause)),
  'throws in the end': (provider, base, pause) =>
    provider.transaction(async (tx) => {
      await doABitOfEverything(tx, base, pause);
      throw mine;
    }),
};

/** A unit of work runs again where nothing was kept, so that its caller hears nothing of the loss. */
const units: Readonly<Record<string, { readonly run: Run; readonly verdict: string }>> = {
  'commits in the end': {
    run: (provider, base, pause) =>
      new UnitOfWork(provider).run(({ db }) => doABitOfEverything(db, base, pause)),
    verdict: 'committed',
  },
  'throws in the end': {
    run: (provider, base, pause) =>
      new UnitOfWork(provider).run(async ({ db }) => {
        await doABitOfEverything(db, base, pause);
        throw mine;
      }),
    verdict: 'own error',
  },
  'has units inside of it': {
    run: (provider, base, pause) => doABitInside(new UnitOfWork(provider), base, pause),
    verdict: 'committed',
  },
};

/** How often the work pauses. */
const pauses = 8;

/** In a soak each strike comes at each moment of a unit of work, else each moment has one of the strikes. */
const stride = 60 / soakCount(60);

const noPause: Pause = () => Promise.resolve();

describeOnPostgres('a backend that is killed at any moment of a transaction', (postgres) => {
  let provider: DatabaseProvider<Tables>;
  let proxy: TcpProxy;
  let killer: Killer;
  let base = 0;

  beforeEach(async () => {
    const url = await postgres.freshUrl();
    proxy = await TcpProxy.listen(url);
    provider = await postgres.openWithItems({ url: proxy.urlOf(url), pool: { max: 1 } });
    killer = new Killer(proxy, url);
  });
  afterEach(async () => {
    await killer.end();
    await proxy.close();
  });

  /** Aims at the connection that the pool lends next, and finds it clean. */
  async function aim(strike: Strike): Promise<void> {
    const [row] = await provider.query<{ pid: number; mark: string | null }>(
      `select pg_backend_pid() as pid, current_setting('liminal.mark', true) as mark`,
    );
    expect(row?.mark ?? '').to.equal('');
    killer.aim(row!.pid, strike);
  }

  /** Runs it once, and judges what it came to. */
  async function judgeRun(run: Run, pause: Pause): Promise<string> {
    base += 10;
    const outcome = await run(provider, base, pause).then(
      () => undefined,
      (error: unknown) => error,
    );
    // What the pool does with the connection behind it belongs to the run.
    await until(() => provider.stats().busy === 0);
    killer.rest();
    const verdict = judge(outcome, await killer.storedRows(base), base);
    expect(provider.stats()).to.include({ busy: 0, waiting: 0 });
    expect(await provider.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
    return verdict;
  }

  /** Strikes at the pieces of data, one a run; gives how often it came to what. */
  async function strikeAtPieces(
    run: Run,
    strike: Strike,
    { first, step } = { first: 1, step: 1 },
  ): Promise<Record<string, number>> {
    const tally: Record<string, number> = {};
    for (const direction of ['toServer', 'toClient'] as const) {
      for (let number = first; ; number += step) {
        await aim(strike);
        killer.strikeAtPiece(direction, number);
        const verdict = await judgeRun(run, noPause);
        if (!killer.hasStruck) break;
        tally[verdict] = (tally[verdict] ?? 0) + 1;
      }
    }
    return tally;
  }

  /** Strikes at every pause of the work, one a run; gives what each came to. */
  async function strikeAtEachPause(run: Run, strike: Strike): Promise<string[]> {
    const verdicts: string[] = [];
    for (let number = 1; ; number += 1) {
      await aim(strike);
      let left = number;
      const verdict = await judgeRun(run, async () => {
        left -= 1;
        if (left === 0) await killer.strikeNow();
      });
      if (!killer.hasStruck) return verdicts;
      verdicts.push(verdict);
    }
  }

  for (const [ending, run] of Object.entries(endings)) {
    for (const strike of strikes) {
      it(`which ${ending}: told truly, by ${strike} at each piece of data`, async function () {
        this.timeout(120_000);
        const tally = await strikeAtPieces(run, strike);
        printFigure(`killed by ${strike}, a transaction that ${ending}: ${JSON.stringify(tally)}`);
        expect(tally['connection error']).to.be.greaterThan(10);
        // The server is up and can always be asked.
        expect(tally).not.to.have.property('unknown');
      });

      it(`which ${ending}: told truly, by ${strike} at each pause`, async () => {
        const last = ending === 'throws in the end' ? 'own error' : 'connection error';
        const expected = [...Array<string>(pauses - 1).fill('connection error'), last];
        expect(await strikeAtEachPause(run, strike)).to.deep.equal(expected);
      });
    }
  }

  for (const [ending, { run, verdict }] of Object.entries(units)) {
    for (const [index, strike] of strikes.entries()) {
      it(`a unit of work which ${ending}: runs again, by ${strike} at each moment`, async function () {
        this.timeout(120_000);
        const tally = await strikeAtPieces(run, strike, { first: 1 + (index % stride), step: stride });
        printFigure(`killed by ${strike}, a unit of work that ${ending}: ${JSON.stringify(tally)}`);
        expect(Object.keys(tally)).to.deep.equal([verdict]);
        expect(tally[verdict]).to.be.greaterThan(5);
        expect(await strikeAtEachPause(run, strike)).to.deep.equal(Array(pauses).fill(verdict));
      });
    }
  }

  it('the first error of the work is the one that comes out', async () => {
    for (const strike of strikes) {
      await aim(strike);
      const verdict = await judgeRun(
        (of) =>
          of.transaction(async (tx) => {
            await sql`select 1`.execute(tx);
            await killer.strikeNow();
            throw mine;
          }),
        noPause,
      );
      expect(verdict).to.equal('own error');
    }
  });
});

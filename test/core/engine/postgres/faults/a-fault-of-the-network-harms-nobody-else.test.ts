/**
 * Each fault of a network falls on a load in which every call asks for something of its own. Mocha fails the
 * running test on an uncaught exception, so that each of these also says: the process lives.
 *
 * No call outlives its deadline by more than 50 ms on a quiet machine. The figure is printed; what is
 * asserted leaves room for a machine that other programs use as well.
 */
import { expect } from 'chai';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { isSoak, soakCount } from '../../../../support/engines.ts';
import type { TcpProxy, Direction } from '../../../../support/tcp-proxy.ts';
import {
  delayed,
  halfClosedAfter,
  noisy,
  resetAfter,
  sliced,
  throttled,
  type ToxicMaker,
} from '../../../../support/toxics.ts';
import { runningTime } from '../../../../support/running-time.ts';
import { until } from '../../../../support/until.ts';
import { describeOnPostgres } from '../postgres-harness.ts';
import {
  describeFailures,
  expectAtRest,
  expectSound,
  printFigure,
  proxiesOf,
  timeToFullCapacity,
} from './fault-harness.ts';
import { TokenLoad, type CallKind, type LoadReport } from './token-load.ts';

const acquireTimeout = 400;
const statementTimeout = 400;
const workers = 12;
const poolSize = 6;

/**
 * Up to when each kind of call has to be over, in ms. A read outside of a transaction is sent again for up
 * to 5 s, and the last time it may take as long as the first. A transaction here has two statements and a
 * COMMIT, and where the answer to that is lost the outcome is asked for.
 */
const call = acquireTimeout + statementTimeout;
const deadlines: Readonly<Record<CallKind, number>> = {
  read: call + 5_000 + call,
  write: call,
  transaction: call + 2 * statementTimeout,
  batch: call + 2 * statementTimeout,
};

/** Room for a machine that is busy with other things, in ms. */
const slack = 1_000;

interface NetworkFault {
  readonly name: string;
  strike(proxy: TcpProxy): void;
  /** Whether calls are bound to fail of it, so that the fault is known to have struck. */
  readonly fails: boolean;
  /** Whether nobody is told, so that only a deadline ends a call. Then it lasts until one that is late shows. */
  readonly isSilent?: boolean;
}

function toxic(name: string, direction: Direction, maker: ToxicMaker, fails: boolean): NetworkFault {
  return { name, strike: (proxy) => proxy.infect(direction, maker), fails };
}

const faults: readonly NetworkFault[] = [
  toxic('answers come 30 ms late, by up to 25 ms more or less', 'toClient', delayed(30, 25), false),
  toxic('questions come 30 ms late, by up to 25 ms more or less', 'toServer', delayed(30, 25), false),
  toxic('answers come in pieces of one byte', 'toClient', sliced(), false),
  toxic('questions come in pieces of one byte', 'toServer', sliced(), false),
  toxic('answers come at 4 KB a second', 'toClient', throttled(4_000), false),
  { name: 'a black hole', strike: (proxy) => proxy.fallSilent(), fails: true, isSilent: true },
  {
    name: 'a black hole for answers',
    strike: (proxy) => proxy.fallSilent('toClient'),
    fails: true,
    isSilent: true,
  },
  {
    name: 'a black hole for questions',
    strike: (proxy) => proxy.fallSilent('toServer'),
    fails: true,
    isSilent: true,
  },
  {
    name: 'a router forgets the lines that stand',
    strike: (proxy) => proxy.forgetLines(),
    fails: true,
    isSilent: true,
  },
  { name: 'every line is cut', strike: (proxy) => proxy.cutLines(), fails: false },
  toxic('a reset in the midst of a row', 'toClient', resetAfter(700), true),
  toxic('a reset in the midst of a question', 'toServer', resetAfter(500), true),
  toxic('the server seems to hang up in the midst of a row', 'toClient', halfClosedAfter(700), true),
  toxic('the client seems to hang up in the midst of a question', 'toServer', halfClosedAfter(500), true),
  toxic('noise in front of an answer', 'toClient', noisy(64), true),
  toxic('noise in front of a question', 'toServer', noisy(64), true),
];

describeOnPostgres('a fault of the network harms nobody else', function (postgres) {
  const openThroughProxy = proxiesOf(postgres);

  for (const fault of faults) {
    it(`${fault.name}: no wrong answer, no late error, and all is well once it is healed`, async function () {
      this.timeout(120_000);
      const { proxy, provider, url } = await openThroughProxy({
        statementTimeout,
        pool: { max: poolSize, acquireTimeout },
      });
      const load = new TokenLoad(provider, workers, ['read', 'transaction', 'batch', 'read', 'write']);
      await until(() => load.done > 2 * workers);
      const before = load.failed;
      const { done } = load;
      const struckAt = runningTime();
      fault.strike(proxy);
      await until(() => (fault.fails ? load.failed > before : load.done > done + 2 * workers), 30_000);
      // A round trip of everybody under the fault, so that not the first alone has met it.
      const end = struckAt + call + slack + 200;
      await passCalls(load, soakCount(1_000));
      if (fault.isSilent === true) await until(() => runningTime() > end);
      proxy.heal();
      const healed = await timeToFullCapacity(provider);
      const report = await load.stop();
      await expectAtRest(provider);
      const late = Math.max(...lateness(report).map(([, duration]) => duration));
      printFigure(
        `${fault.name}: ${report.done} calls done, failed: ${describeFailures(report.failures)}; ` +
          `past the deadlines: ${describeLateness(report)}; full capacity ${healed.toFixed(0)} ms after healing`,
      );
      expect(late).to.be.below(slack);
      if (isSoak) expect(healed).to.be.below(slack);
      expectSound(report, await postgres.askServer<{ token: string }>(url, 'select token from tokens'));
      expect(await postgres.countSessions(url, 'idle in transaction')).to.equal(0);
    });
  }

  it('a client without deadlines is held by a black hole: the check can fail', async () => {
    const { proxy, url } = await openThroughProxy();
    const client = new pg.Client({ connectionString: proxy.urlOf(url) });
    client.on('error', () => undefined);
    await client.connect();
    proxy.fallSilent();
    let settled = false;
    const settle = () => {
      settled = true;
    };
    client.query('select 1').then(settle, settle);
    await wait(call + slack);
    expect(settled).to.equal(false);
  });
});

/** Waits until so many calls have ended, however, but not longer than each of them may take 10 ms. */
async function passCalls(load: TokenLoad, count: number): Promise<void> {
  const start = load.done + load.failed;
  const end = performance.now() + 10 * count;
  await until(() => load.done + load.failed > start + count || performance.now() > end, 20 * count);
}

/** How far the latest call of each kind went beyond its deadline, in ms; below 0 where none did. */
function lateness({ longest }: LoadReport): [CallKind, number][] {
  return (Object.keys(longest) as CallKind[]).map((kind) => [kind, longest[kind] - deadlines[kind]]);
}

function describeLateness(report: LoadReport): string {
  return lateness(report)
    .map(([kind, late]) => `${kind} ${late.toFixed(0)} ms`)
    .join(', ');
}

/**
 * A process of its own that runs the same work again and again and lets the first, the second, the third …
 * call of the driver fail, until a run needs fewer calls. It says what was wrong with each run, a line of
 * JSON each, and at the end the number of runs.
 */
import './faulty-driver.ts';
import { sql } from 'kysely';
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { LiminalDataError } from '../../../../../src/core/index.ts';
import {
  checkLedger,
  ledgerWrites,
  partOf,
  writeAlone,
  type LedgerDatabase,
} from '../../../../support/ack-ledger.ts';
import { failCall, hasFailed, mendDriver } from './faulty-driver.ts';
import { makeLedgerFile, openLedger } from './open-ledger.ts';

/** The result codes that the calls fail with, in turns. */
const codes = process.argv.slice(2);
/** In ms: whatever takes as long hangs. */
const patience = 5_000;

class Refusal extends Error {}

type Acknowledge = (operation: string) => void;

/** Writes several operations at once. Each stands for itself; the first failure is thrown, once all are done. */
async function writeTogether(
  provider: LedgerDatabase,
  name: string,
  acknowledge: Acknowledge,
): Promise<void> {
  const outcomes = await Promise.allSettled(
    [...ledgerWrites, ...ledgerWrites].map(async (write, index) => {
      await write(provider, `${name}-${index}`);
      acknowledge(`${name}-${index}`);
    }),
  );
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

/** What the public API does with the database; each step is named. */
const steps: Record<string, (provider: LedgerDatabase, acknowledge: Acknowledge) => Promise<unknown>> = {
  'first insert': async (provider, acknowledge) => {
    await writeAlone(provider, 'first');
    acknowledge('first');
  },
  'each write alone': async (provider, acknowledge) => {
    for (const [index, write] of ledgerWrites.entries()) {
      await write(provider, `alone-${index}`);
      acknowledge(`alone-${index}`);
    }
  },
  'writes together': (provider, acknowledge) => writeTogether(provider, 'together', acknowledge),
  'transaction that throws': (provider) =>
    provider
      .transaction(async (tx) => {
        await tx
          .insertInto('parts')
          .values(partOf('thrown', 0, 3))
          .execute();
        throw new Refusal('the work itself failed');
      })
      .catch((error: unknown) => {
        if (!(error instanceof Refusal)) throw error;
      }),
  'savepoint rolled back': async (provider, acknowledge) => {
    await provider.transaction(async (tx) => {
      await tx
        .insertInto('parts')
        .values(partOf('outer', 0, 1))
        .execute();
      await sql`savepoint inner_work`.execute(tx);
      await tx
        .insertInto('parts')
        .values(partOf('outer', 1, 3))
        .execute();
      await sql`rollback to inner_work`.execute(tx);
    });
    acknowledge('outer');
  },
  'read-only transaction': (provider) =>
    provider.transaction((tx) => tx.selectFrom('parts').selectAll().execute(), { readOnly: true }),
  stream: async (provider) => {
    for await (const row of provider.db.selectFrom('parts').selectAll().stream(2)) void row;
  },
  pragma: (provider) => provider.exec('pragma cache_size = -1000'),
  'queries together': (provider) =>
    Promise.all(Array.from({ length: 4 }, () => provider.query('select count(*) from parts'))),
};

/** What the promise came to, or that it never did. */
async function settle(step: string, work: Promise<unknown>, faults: string[]): Promise<boolean> {
  const patient = Promise.withResolvers<'hangs'>();
  const timer = setTimeout(() => patient.resolve('hangs'), patience);
  try {
    const outcome = await Promise.race([work, patient.promise]);
    if (outcome === 'hangs') faults.push(`${step} hangs`);
    return outcome !== 'hangs';
  } catch (error) {
    if (!(error instanceof LiminalDataError)) faults.push(`${step} throws ${String(error)}`);
    return false;
  } finally {
    clearTimeout(timer);
  }
}

interface Run {
  readonly failed: boolean;
  readonly faults: readonly string[];
}

async function runWithFault(number: number, code: string): Promise<Run> {
  const filename = await makeLedgerFile();
  const faults: string[] = [];
  const acknowledged: string[] = [];
  const acknowledge = (operation: string) => void acknowledged.push(operation);
  const provider = openLedger(filename, { durability: 'normal' }, { lockTimeout: 200 });
  let failures = 0;
  failCall(number, code);
  for (const [name, step] of Object.entries(steps)) {
    if (!(await settle(name, step(provider, acknowledge), faults))) failures += 1;
  }
  // The fault came once: whatever else failed has spread.
  if (failures > 1) faults.push(`${failures} steps failed`);
  const isOver = hasFailed();
  if (await settle('the write after it', writeAlone(provider, 'after'), faults)) acknowledge('after');
  else if (isOver) faults.push('the write after it fails');
  const { busy, waiting } = provider.stats();
  if (busy !== 0 || waiting !== 0) faults.push(`${busy} busy, ${waiting} waiting`);
  await settle('close', provider.close(), faults);
  const failed = hasFailed();
  mendDriver();

  await using left = openLedger(filename, { durability: 'normal' });
  const { lost, doubled, torn, damage } = await checkLedger(left, acknowledged);
  for (const [what, names] of Object.entries({ lost, doubled, torn, damage })) {
    if (names.length > 0) faults.push(`${what}: ${names.join(', ')}`);
  }
  await left.close();
  rmSync(dirname(filename), { recursive: true });
  return { failed, faults };
}

let runs = 0;
let faulty = 0;
// Ten of them tell enough.
for (let number = 1; faulty < 10; number += 1) {
  const code = codes[number % codes.length] ?? '';
  const { failed, faults } = await runWithFault(number, code);
  if (faults.length > 0) {
    faulty += 1;
    console.log(JSON.stringify({ number, code, faults }));
  }
  if (!failed) break;
  runs += 1;
}
console.log(runs);

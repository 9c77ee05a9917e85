import { expect } from 'chai';
import { LegalHoldError } from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import { integerBetween, pickSeed, seededRandom, type Random } from '../../support/seeded-random.ts';
import { readRows } from './audit-fixture.ts';
import { pastTheTriggers } from './past-the-triggers.ts';
import { openTrail, people, pick, randomEvent, types, type TestTrail } from './trail-fixture.ts';

const steps = soakCount(400);
const tamperings = soakCount(200);

/** The ids of what may be gone, erased or held: what every step must respect. */
interface Model {
  readonly holds: Map<string, (entry: Row) => boolean>;
}

type Row = Awaited<ReturnType<typeof readRows>>[number];

describeOnEachDatabase('a trail that is purged, erased and held at random', (database) => {
  it('verifies after each step, keeps what is held, and a tampering on top is found', async function () {
    this.timeout(900_000);
    const seed = pickSeed();
    const random = seededRandom(seed);
    await using trail = await openTrail(await database.freshUrl());
    const model: Model = { holds: new Map() };
    for (let step = 0; step < steps; step += 1) {
      const before = await readRows(trail.provider);
      const name = await takeStep(random, trail, model);
      const after = await readRows(trail.provider);
      const told = `seed ${seed}, step ${step}: ${name}`;
      const report = await trail.log.verify();
      expect(
        report.streams.filter(({ fault }) => fault !== undefined),
        told,
      ).to.deep.equal([]);
      expectHeldAreThere(before, after, model, told);
      expect(
        lengthsOf(before).filter(([stream, last]) => !(lastOf(after, stream) >= last)),
        told,
      ).to.deep.equal([]);
      const gone = before.filter(({ id }) => !after.some((row) => row.id === id));
      expect(
        gone.filter(({ action }) => action === 'audit.erase'),
        told,
      ).to.deep.equal([]);
    }
    await tamperWith(random, trail, seed);
  });
});

/** The place of the last row of each chain. */
function lengthsOf(rows: readonly Row[]): (readonly [stream: string, last: number])[] {
  return [...new Set(rows.map(({ stream }) => stream))].map((stream) => [stream, lastOf(rows, stream)]);
}

function lastOf(rows: readonly Row[], stream: string): number {
  return rows.findLast((row) => row.stream === stream)?.seq ?? 0;
}

function expectHeldAreThere(
  before: readonly Row[],
  after: readonly Row[],
  { holds }: Model,
  told: string,
): void {
  const held = before.filter((row) => [...holds.values()].some((keeps) => keeps(row)));
  const byId = new Map(after.map((row) => [row.id, row]));
  expect(
    held.filter((row) => byId.get(row.id)?.content !== row.content),
    told,
  ).to.deep.equal([]);
}

async function takeStep(random: Random, trail: TestTrail, { holds }: Model): Promise<string> {
  const { log, clock } = trail;
  const kind = random();
  clock.advance(integerBetween(random, 0, 20));
  if (kind < 0.55) {
    await trail.record(...Array.from({ length: integerBetween(random, 1, 8) }, () => randomEvent(random)));
    return 'record';
  }
  if (kind < 0.75) {
    await log
      .purge({
        olderThan: integerBetween(random, 1, 150),
        held: random() < 0.7 ? 'keep' : 'refuse',
        ...(random() < 0.3 && { entityTypes: [pick(random, types)] }),
        ...(random() < 0.3 && { tenant: 'acme' }),
      })
      .catch(passHold);
    return 'purge';
  }
  if (kind < 0.87) {
    await log.erase(pick(random, people), { reason: 'request' }).catch(passHold);
    return 'erase';
  }
  const [oldest] = holds.keys();
  if (oldest !== undefined && (holds.size > 2 || random() < 0.5)) {
    await log.release(oldest, 'closed');
    holds.delete(oldest);
    return 'release';
  }
  const [actor, type] = [pick(random, people), pick(random, types)];
  if (random() < 0.5) {
    const { id } = await log.hold({ actor }, 'case');
    holds.set(id, (row) => row.actor_id === actor);
  } else {
    const { id } = await log.hold({ entity: { type, id: actor } }, 'case');
    holds.set(id, (row) => row.entity_type === type && row.entity_id === actor);
  }
  return 'hold';
}

function passHold(error: unknown): void {
  if (!(error instanceof LegalHoldError)) throw error;
}

/** Each is undone before the next, so that it is found by itself. */
async function tamperWith(random: Random, trail: TestTrail, seed: number): Promise<void> {
  const { provider, log } = trail;
  const anchor = await log.anchor();
  for (let count = 0; count < tamperings; count += 1) {
    const rows = await readRows(provider);
    const row = pick(random, rows);
    const place = `stream = '${row.stream}' and seq = ${row.seq}`;
    const kinds: Record<string, string | undefined> = {
      edited: `update audit_logs set action = 'forged' where ${place}`,
      erased: row.content === null ? undefined : `update audit_logs set content = null where ${place}`,
      deleted: `delete from audit_logs where ${place}`,
    };
    const kind = pick(random, Object.keys(kinds));
    const statement = kinds[kind];
    if (statement === undefined) continue;
    const told = `seed ${seed}, tampering ${count}: ${kind} at ${place}`;
    await pastTheTriggers(provider, statement);
    const { streams } = await log.verify({ anchors: [anchor] });
    const isLast = rows.findLast(({ stream }) => stream === row.stream) === row;
    // An event that explains erasures takes their explanation with it.
    const found = streams.filter(({ fault }) => fault !== undefined);
    const here = found.find(({ stream }) => stream === row.stream);
    if (row.action !== 'audit.erase') {
      expect(
        found.map(({ stream }) => stream),
        told,
      ).to.deep.equal([row.stream]);
      expect(here?.fault, told).to.include({
        seq: row.seq,
        kind: kind === 'deleted' && isLast ? 'cut' : kind,
      });
    } else {
      expect(here?.fault, told).to.not.equal(undefined);
    }
    await restore(trail, row, kind);
    expect((await log.verify({ anchors: [anchor] })).isSound, told).to.equal(true);
  }
}

async function restore({ provider }: TestTrail, row: Row, kind: string): Promise<void> {
  if (kind === 'deleted') {
    await provider.db.insertInto('audit_logs').values(row).execute();
    return;
  }
  const text = (value: string | null) =>
    value === null ? 'null' : `'${value.replaceAll("'", "''").replaceAll('?', '??')}'`;
  await pastTheTriggers(
    provider,
    `update audit_logs set action = ${text(row.action)}, content = ${text(row.content)} where stream = '${row.stream}' and seq = ${row.seq}`,
  );
}

import { expect } from 'chai';
import { AuditTamperedError } from '../../../src/core/index.ts';
import { hashOf, type ChainRow } from '../../../src/core/audit/chain-row.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { readRows } from './audit-fixture.ts';
import { pastTheTriggers } from './past-the-triggers.ts';
import { openTrail, type TestTrail } from './trail-fixture.ts';

const users = 'entity:user';

/** Whoever owns the database and knows this code, and has neither the keys nor a chance against anchors. */
describeOnEachDatabase('an administrator without the key', (database) => {
  it('cannot change what an erased row still tells, though its content is gone', async () => {
    await using trail = await openTrail(await database.freshUrl());
    await recordSome(trail);
    await trail.log.erase('ann', { reason: 'request 1' });
    const rows = (await readRows(trail.provider)).filter(({ stream }) => stream === users);
    const erased = rows.find(({ content }) => content === null)!;
    await rewrite(trail, rows, { ...erased, action: 'read', actor_id: 'ben' });
    expect(await faultsOf(trail)).to.deep.equal([{ stream: users, seq: erased.seq, kind: 'edited' }]);
  });

  it('does not get a forged row accepted by having its person erased', async () => {
    await using trail = await openTrail(await database.freshUrl());
    await recordSome(trail);
    const rows = (await readRows(trail.provider)).filter(({ stream }) => stream === users);
    const first = rows.find(({ entity_id: id }) => id === 'ann')!;
    await rewrite(trail, rows, { ...first, action: 'read', actor_id: 'ben' });
    const refused = await rejectionOf(trail.log.erase('ann', { reason: 'request 1' }));
    expect(refused).to.be.instanceOf(AuditTamperedError);
    expect(refused).to.include({ stream: users, seq: first.seq });
    expect((await readRows(trail.provider)).filter(({ content }) => content === null)).to.deep.equal([]);
  });

  it('leaves a summary behind that tells of the end that was cut off with all that was ahead of it', async () => {
    await using trail = await openTrail(await database.freshUrl());
    await purgeAround(trail, 'ben');
    expect(await placesOf(trail)).to.deep.equal({ rows: [1, 5, 7], segments: [2, 6] });
    await pastTheTriggers(trail.provider, `delete from audit_logs where stream = '${users}' and seq > 1`);
    await pastTheTriggers(trail.provider, `delete from audit_segments where from_seq = 2`, 'audit_segments');
    expect(await faultsOf(trail)).to.deep.equal([{ stream: users, seq: 2, kind: 'cut' }]);
  });

  it('does not end a verification by a summary that names another key', async () => {
    await using trail = await openTrail(await database.freshUrl());
    await purgeAround(trail, 'ben');
    await pastTheTriggers(
      trail.provider,
      `update audit_segments set key_id = 'x' where from_seq = 2`,
      'audit_segments',
    );
    await pastTheTriggers(trail.provider, `update audit_logs set action = 'x' where stream = 'entity:order'`);
    expect(await faultsOf(trail)).to.deep.equal([
      { stream: 'entity:order', seq: 1, kind: 'edited' },
      { stream: users, seq: 2, kind: 'unknown-key' },
    ]);
  });
});

function event(type: string, id: string) {
  return { action: 'update', entity: { type, id }, reason: 'because', actor: null } as const;
}

async function recordSome(trail: TestTrail): Promise<void> {
  for (const id of ['ben', 'ann', 'eve', 'ann', 'ben']) await trail.record(event('user', id));
}

/** Writes a row anew, and the hashes of all rows behind it, for which no key is needed. */
async function rewrite(trail: TestTrail, rows: readonly ChainRow[], forged: ChainRow): Promise<void> {
  let before = rows.findLast(({ seq }) => seq < forged.seq)?.hash ?? '0'.repeat(64);
  for (const row of rows.filter(({ seq }) => seq >= forged.seq)) {
    const next = { ...(row.seq === forged.seq ? forged : row), prev_hash: before };
    before = hashOf(next);
    await pastTheTriggers(
      trail.provider,
      `update audit_logs set action = '${next.action}', actor_id = ${next.actor_id === null ? 'null' : `'${next.actor_id}'`},
        prev_hash = '${next.prev_hash}', hash = '${before}' where stream = '${row.stream}' and seq = ${row.seq}`,
    );
  }
}

/** Purges all of the users' chain but what a hold keeps, and its newest row. */
async function purgeAround(trail: TestTrail, held: string): Promise<void> {
  await recordSome(trail);
  await trail.record(event('user', 'eve'), event('order', 'o1'));
  await trail.log.hold({ entity: { type: 'user', id: held } }, 'case');
  trail.clock.advance(1_000);
  await trail.record(event('user', 'eve'));
  await trail.log.purge({ olderThan: 500, stream: users, held: 'keep' });
}

async function placesOf({ provider }: TestTrail) {
  const rows = (await readRows(provider)).filter(({ stream }) => stream === users);
  const segments = await provider.db.selectFrom('audit_segments').selectAll().orderBy('from_seq').execute();
  return { rows: rows.map(({ seq }) => seq), segments: segments.map(({ from_seq: from }) => from) };
}

async function faultsOf({ log }: TestTrail) {
  const { streams } = await log.verify();
  return streams.flatMap(({ stream, fault }) =>
    fault === undefined ? [] : [{ stream, seq: fault.seq, kind: fault.kind }],
  );
}

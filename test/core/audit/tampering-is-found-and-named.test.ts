import { expect } from 'chai';
import type { DatabaseProvider } from '../../../src/core/index.ts';
import {
  AuditLog,
  type AuditAnchor,
  type AuditProvider,
  type StreamVerification,
} from '../../../src/core/audit/index.ts';
import { verifyTrail } from '../../../src/core/audit/verify-trail.ts';
import { withMaintenance } from '../../../src/core/audit/maintenance.ts';
import { sealSegment } from '../../../src/core/audit/segment.ts';
import { rangesOf } from '../../../src/core/audit/seq-ranges.ts';
import type { AuditTables } from '../../../src/core/audit/audit-tables.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { sharedCount } from '../../support/engines.ts';
import { pickSeed, seededRandom } from '../../support/seeded-random.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { auditKeys, openAuditDatabase, readRows } from './audit-fixture.ts';
import { replaceRows, tampers, type Victim } from './tampering.ts';

const keys = auditKeys();
const streams = ['entity:erased', 'entity:plain', 'entity:purged'];

/** Undoes what was done to the trail, once it was looked at. */
class Undo extends Error {}

describeOnEachDatabase('tampering is found and named', (database) => {
  let provider: DatabaseProvider<AuditTables>;
  let log: AuditLog;
  let anchors: AuditAnchor[];
  let victims: Victim[];
  let random: () => number = Math.random;

  before(async () => {
    provider = await openAuditDatabase(await database.freshUrl());
    log = new AuditLog(provider, { keys });
    anchors = await writeTrail(provider, log);
    const rows = await readRows(provider);
    victims = streams.map((stream) => ({
      stream,
      rows: rows.filter((row) => row.stream === stream),
      firstWhole: stream === 'entity:erased' ? 6 : 1,
      anchored: anchors.flatMap(({ heads }) =>
        heads.filter((head) => head.stream === stream).map(({ seq }) => seq),
      ),
      keys,
      random: () => random(),
    }));
    // As somebody does who owns the table.
    await provider.migrations.columns.dropAppendOnly(provider.db, 'audit_logs');
    await provider.migrations.columns.dropAppendOnly(provider.db, 'audit_segments');
  });
  after(() => provider.close());

  /** Verifies a trail that somebody changes, within a transaction that is rolled back. */
  async function verifyChanged(
    change: (tx: DatabaseProvider<AuditTables>['db']) => Promise<unknown>,
    held: readonly AuditAnchor[] = anchors,
  ): Promise<readonly StreamVerification[]> {
    let found: readonly StreamVerification[] = [];
    const undone = await rejectionOf(
      provider.transaction(async (tx) => {
        await change(tx);
        const within: AuditProvider = { db: tx, sql: provider.sql, transaction: (work) => work(tx) };
        ({ streams: found } = await verifyTrail(within, keys, { anchors: held }));
        throw new Undo();
      }),
    );
    expect(undone).to.be.instanceOf(Undo);
    return found;
  }

  const faultsOf = (found: readonly StreamVerification[]) =>
    found.flatMap(({ stream, fault }) => (fault === undefined ? [] : [{ stream, ...fault }]));

  it('and what nobody has touched is sound, with what was erased and purged by the rules', async () => {
    const report = await log.verify({ anchors });
    expect(faultsOf(report.streams)).to.deep.equal([]);
    expect(report).to.include({ isSound: true, rows: 122 - 6, anchored: 12 });
    expect(
      report.streams.map(({ stream, rows, purged, erased }) => ({ stream, rows, purged, erased })),
    ).to.deep.equal([
      { stream: 'audit', rows: 2, purged: 0, erased: 0 },
      { stream: 'entity:erased', rows: 40, purged: 0, erased: 3 },
      { stream: 'entity:plain', rows: 40, purged: 0, erased: 0 },
      { stream: 'entity:purged', rows: 34, purged: 6, erased: 0 },
    ]);
  });

  it('whatever is done, at random', async function () {
    this.timeout(1_800_000);
    const seed = pickSeed();
    random = seededRandom(seed);
    const names = Object.keys(tampers);
    const count = sharedCount(10_000);
    for (let turn = 0; turn < count; turn += 1) {
      const name = names[turn % names.length]!;
      const victim = victims[Math.floor(random() * victims.length)]!;
      const { rows, kind, seq } = tampers[name]!(victim);
      const found = await verifyChanged((tx) => replaceRows(tx, victim, rows));
      expect(
        faultsOf(found).map((fault) => ({ stream: fault.stream, kind: fault.kind, seq: fault.seq })),
        `seed ${seed}, turn ${turn}: ${name}`,
      ).to.deep.equal([{ stream: victim.stream, kind, seq }]);
    }
    console.log(`  ${count} tamperings of ${names.length} kinds, all found and named [${database.name}]`);
  });

  it('also of the summary of a purge, and of the event of an erasure', async () => {
    const gone = await verifyChanged((tx) => tx.deleteFrom('audit_segments').execute());
    expect(faultsOf(gone)).to.have.lengthOf(1);
    expect(faultsOf(gone)[0]).to.include({ stream: 'entity:purged', kind: 'deleted', seq: 1 });
    const forged = await verifyChanged((tx) => tx.updateTable('audit_segments').set({ to_seq: 7 }).execute());
    expect(faultsOf(forged)[0]).to.include({ stream: 'entity:purged', kind: 'edited', seq: 1 });
    const unexplained = await verifyChanged((tx) =>
      tx.updateTable('audit_logs').set({ content: null }).where('action', '=', 'audit.erase').execute(),
    );
    expect(faultsOf(unexplained).map(({ stream, kind, seq }) => ({ stream, kind, seq }))).to.deep.equal([
      { stream: 'audit', kind: 'erased', seq: 2 },
      { stream: 'entity:erased', kind: 'erased', seq: 3 },
    ]);
  });

  it('a row that comes back into a purged range', async () => {
    const found = await verifyChanged(async (tx) => {
      const row = victims[2]!.rows[0]!;
      const back = { ...row, seq: 3, id: '00000000-0000-7000-8000-000000000000' };
      await tx.insertInto('audit_logs').values(back).execute();
    });
    expect(faultsOf(found)[0]).to.include({ stream: 'entity:purged', kind: 'inserted', seq: 3 });
  });

  it('a chain of which nothing is left, by its anchors alone', async () => {
    const clear = (tx: DatabaseProvider<AuditTables>['db']) =>
      tx.deleteFrom('audit_logs').where('stream', '=', 'entity:plain').execute();
    const found = await verifyChanged(clear);
    expect(faultsOf(found)[0]).to.include({ stream: 'entity:plain', kind: 'cut', seq: 1 });
    expect(faultsOf(await verifyChanged(clear, []))).to.deep.equal([]);
  });

  it('an anchor that is forged is refused, whatever of it was changed', async () => {
    const [anchor] = anchors as [AuditAnchor];
    const [head] = anchor.heads;
    for (const forged of [
      { ...anchor, at: anchor.at + 1 },
      { ...anchor, heads: anchor.heads.slice(1) },
      { ...anchor, heads: [{ ...head!, seq: head!.seq - 1 }, ...anchor.heads.slice(1)] },
      { ...anchor, keyId: 'other' },
      { ...anchor, signature: 'f'.repeat(64) },
      { ...anchor, heads: 'none' },
    ]) {
      const error = await rejectionOf(log.verify({ anchors: [anchor, forged as AuditAnchor] }));
      expect(error).to.include({ code: 'LIMINAL_VALIDATION' });
    }
    await log.verify({ anchors: [anchor] });
  });
});

/** Three chains of 40 rows: one with contents that were erased, one with a part that was purged. */
async function writeTrail(provider: DatabaseProvider<AuditTables>, log: AuditLog): Promise<AuditAnchor[]> {
  const anchors: AuditAnchor[] = [];
  const write = (count: number) =>
    provider.transaction(async (tx) => {
      for (const stream of streams) {
        for (let n = 0; n < count; n += 1) {
          await log.record(tx, {
            action: 'update',
            entity: { type: stream.slice('entity:'.length), id: `${n}` },
            changes: [{ field: 'a', old: n, new: `${n} of ${stream}` }],
            ...(n % 2 === 0 ? { actor: { type: 'user', id: 'ann' } } : {}),
          });
        }
      }
    });
  await provider.transaction((tx) => log.record(tx, { action: 'begin' }));
  await write(6);
  anchors.push(await log.anchor());
  await write(14);
  anchors.push(await log.anchor());
  await write(20);
  await provider.transaction(async (tx) => {
    const erased = await withMaintenance(tx, () =>
      tx
        .updateTable('audit_logs')
        .set({ content: null })
        .where('stream', '=', 'entity:erased')
        .where('seq', 'in', [3, 4, 5])
        .returning(['stream', 'seq', 'hash'])
        .execute(),
    );
    await log.record(tx, { action: 'audit.erase', metadata: { erased: rangesOf(erased) } });
  });
  anchors.push(await log.anchor());
  await provider.transaction(async (tx) => {
    const purged = await tx
      .selectFrom('audit_logs')
      .selectAll()
      .where('stream', '=', 'entity:purged')
      .where('seq', '<=', 6)
      .orderBy('seq')
      .execute();
    const [first, last] = [purged[0]!, purged.at(-1)!];
    const segment = sealSegment(keys, {
      stream: first.stream,
      fromSeq: first.seq,
      toSeq: last.seq,
      prevHash: first.prev_hash,
      lastHash: last.hash,
      purgedAt: 1,
    });
    await tx.insertInto('audit_segments').values(segment).execute();
    await withMaintenance(tx, () =>
      tx.deleteFrom('audit_logs').where('stream', '=', first.stream).where('seq', '<=', last.seq).execute(),
    );
  });
  return anchors;
}

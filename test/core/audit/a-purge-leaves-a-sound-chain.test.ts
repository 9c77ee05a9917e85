import { expect } from 'chai';
import { AuditTamperedError, UnknownKeyError, ValidationError } from '../../../src/core/index.ts';
import { AuditLog, type PurgeOptions } from '../../../src/core/audit/index.ts';
import { hashOf } from '../../../src/core/audit/chain-row.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { auditKeys, readRows } from './audit-fixture.ts';
import { pastTheTriggers } from './past-the-triggers.ts';
import { openTrail, type TestTrail } from './trail-fixture.ts';

const day = 24 * 60 * 60 * 1_000;

describeOnEachDatabase('a purge', (database) => {
  let trail: TestTrail;

  beforeEach(async () => {
    trail = await openTrail(await database.freshUrl());
  });

  afterEach(() => trail[Symbol.asyncDispose]());

  const note = (type: string, tenant?: string) => ({
    action: 'update',
    tenant: tenant ?? null,
    entity: { type, id: '1' },
    reason: 'x',
  });
  const seqsOf = async (stream: string) =>
    (await trail.entries()).filter((entry) => entry.stream === stream).map(({ seq }) => seq);

  it('takes what is old enough, but never the newest of a chain, and the rest verifies', async () => {
    await trail.record(note('user'), note('user'), note('order'), note('user'));
    trail.clock.advance(10 * day);
    await trail.record(note('user'), note('order'));
    expect(await trail.log.purge({ olderThan: day, reason: 'policy 1' })).to.deep.equal({
      purged: 4,
      segments: 2,
    });
    expect(await seqsOf('entity:user')).to.deep.equal([4]);
    expect(await seqsOf('entity:order')).to.deep.equal([2]);
    const events = (await trail.entries()).filter(({ action }) => action === 'audit.purge');
    expect(events.map(({ entity, reason, metadata }) => ({ entity, reason, metadata }))).to.deep.equal([
      {
        entity: { type: 'audit_stream', id: 'entity:order' },
        reason: 'policy 1',
        metadata: { fromSeq: 1, olderThan: day, rows: 1, segments: 1, toSeq: 1 },
      },
      {
        entity: { type: 'audit_stream', id: 'entity:user' },
        reason: 'policy 1',
        metadata: { fromSeq: 1, olderThan: day, rows: 3, segments: 1, toSeq: 3 },
      },
    ]);
    trail.clock.advance(10 * day);
    // Of each chain the newest stays, however old it is.
    expect(await trail.log.purge({ olderThan: day, stream: 'entity:user' })).to.deep.equal({
      purged: 0,
      segments: 0,
    });
    await trail.record(note('user'));
    expect(await trail.log.purge({ olderThan: day, stream: 'entity:user' })).to.deep.equal({
      purged: 1,
      segments: 1,
    });
    const report = await trail.log.verify();
    expect(report.isSound).to.equal(true);
    expect(report.streams.find(({ stream }) => stream === 'entity:user')).to.include({
      rows: 1,
      purged: 4,
      firstSeq: 5,
    });
  });

  it('takes some types of entities, or all but some, around what stays', async () => {
    const types = ['user', 'order', 'order', 'note', 'user', 'order', 'note'];
    await trail.record(...types.map((type) => note(type, 'acme')));
    trail.clock.advance(10 * day);
    await trail.record(note('last', 'acme'));
    expect(await trail.log.purge({ olderThan: day, entityTypes: ['order'] })).to.deep.equal({
      purged: 3,
      segments: 2,
    });
    expect(await seqsOf('tenant:acme')).to.deep.equal([1, 4, 5, 7, 8]);
    expect((await trail.log.verify()).isSound).to.equal(true);
    expect(
      await trail.log.purge({ olderThan: day, exceptEntityTypes: ['note'], tenant: 'acme' }),
    ).to.deep.equal({ purged: 2, segments: 2 });
    expect(await seqsOf('tenant:acme')).to.deep.equal([4, 7, 8]);
    expect(await trail.log.purge({ olderThan: day, tenant: 'zeta' })).to.deep.equal({
      purged: 0,
      segments: 0,
    });
    expect((await trail.log.verify()).isSound).to.equal(true);
  });

  it('goes by portions, and goes on where it was ended', async function () {
    this.timeout(60_000);
    await trail.provider.transaction(async (tx) => {
      for (let count = 0; count < 5_001; count += 1) await trail.log.record(tx, note('user'));
    });
    trail.clock.advance(10 * day);
    const stop = new AbortController();
    const ended = await rejectionOf(
      trail.log.purge({
        olderThan: day,
        signal: stop.signal,
        onProgress: () => stop.abort(new Error('enough')),
      }),
    );
    expect(ended).to.include({ message: 'enough' });
    expect((await trail.log.verify()).isSound).to.equal(true);
    expect(await trail.log.purge({ olderThan: day, stream: 'entity:user' })).to.deep.equal({
      purged: 3_000,
      segments: 2,
    });
    const report = await trail.log.verify();
    expect(report.isSound).to.equal(true);
    expect(report.streams.find(({ stream }) => stream === 'entity:user')).to.include({
      rows: 1,
      purged: 5_000,
    });
  });

  it('is no way to be rid of what was tampered with', async () => {
    await trail.record(note('user'), note('user'), note('user'), note('user'));
    trail.clock.advance(10 * day);
    const rows = await readRows(trail.provider);
    const [other, row] = [rows[2]!, rows[1]!];
    // The last one is a row that is well by itself, and follows another one than it did.
    const relinked = { ...row, prev_hash: other.hash };
    const damages = [
      `action = 'forged'`,
      `content = '{"reason":"forged"}'`,
      `content = null`,
      `prev_hash = hash`,
      `prev_hash = '${relinked.prev_hash}', hash = '${hashOf(relinked)}'`,
    ];
    for (const damage of damages) {
      await pastTheTriggers(trail.provider, `update audit_logs set ${damage} where seq = 2`);
      const error = await rejectionOf(trail.log.purge({ olderThan: day }));
      expect(error, damage).to.be.instanceOf(AuditTamperedError);
      expect(error).to.include({ stream: 'entity:user', seq: 2 });
      expect(await readRows(trail.provider)).to.have.lengthOf(4);
      const { action, content, prev_hash: prevHash, hash } = row;
      await pastTheTriggers(
        trail.provider,
        `update audit_logs set action = '${action}', content = '${content}', prev_hash = '${prevHash}', hash = '${hash}' where seq = 2`,
      );
    }
    expect((await trail.log.verify()).isSound).to.equal(true);
    const others = new AuditLog(trail.provider, { keys: auditKeys('others'), clock: trail.clock });
    expect(await rejectionOf(others.purge({ olderThan: day }))).to.be.instanceOf(UnknownKeyError);
    expect(await trail.log.purge({ olderThan: day })).to.deep.equal({ purged: 3, segments: 1 });
  });

  it('keeps what explains erasures, so that what was erased can be purged', async () => {
    const ann = { type: 'user', id: 'ann' } as const;
    await trail.record({ action: 'sign-in', actor: ann, entity: { type: 'person', id: 'x' }, reason: 'x' });
    await trail.record({ action: 'sign-in', actor: ann, entity: { type: 'person', id: 'x' }, reason: 'x' });
    await trail.log.erase('ann', { reason: 'request 1' });
    await trail.record({ action: 'sign-in', entity: { type: 'person', id: 'x' } });
    trail.clock.advance(10 * day);
    await trail.record({ action: 'sign-in', entity: { type: 'person', id: 'x' } });
    expect(await trail.log.purge({ olderThan: day })).to.deep.equal({ purged: 3, segments: 2 });
    expect(await seqsOf('entity:person')).to.deep.equal([3, 5]);
    expect((await trail.log.verify()).isSound).to.equal(true);
  });

  it('refuses options that are none, and lists every fault', async () => {
    const faultsOf = async (options: object) => {
      const error = await rejectionOf(trail.log.purge(options as PurgeOptions));
      expect(error).to.be.instanceOf(ValidationError);
      return (error as ValidationError).issues.map(({ path }) => path.join('.'));
    };
    expect(await faultsOf({})).to.deep.equal(['olderThan']);
    expect(
      await faultsOf({ olderThan: 0.5, entityTypes: [], exceptEntityTypes: [1], tenant: '', held: 'maybe' }),
    ).to.deep.equal([
      'olderThan',
      'entityTypes',
      'exceptEntityTypes.0',
      'exceptEntityTypes',
      'tenant',
      'held',
    ]);
    expect(await faultsOf({ olderThan: day, entityType: 'user' })).to.deep.equal(['entityType']);
  });
});

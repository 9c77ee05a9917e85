import { expect } from 'chai';
import type { Kysely } from 'kysely';
import { LegalHoldError, NotFoundError, ValidationError, runAs } from '../../../src/core/index.ts';
import { AuditLog, type AuditEvent, type HoldScope, type LegalHold } from '../../../src/core/audit/index.ts';
import { hashOf } from '../../../src/core/audit/chain-row.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { auditKeys, readRows } from './audit-fixture.ts';
import { openTrail, type TestTrail } from './trail-fixture.ts';

const day = 24 * 60 * 60 * 1_000;
const olderThan = day;

describeOnEachDatabase('a legal hold', (database) => {
  let trail: TestTrail;

  beforeEach(async () => {
    trail = await openTrail(await database.freshUrl());
    const ann = { type: 'user', id: 'ann' } as const;
    await trail.record(
      { action: 'update', actor: ann, entity: { type: 'order', id: '1' }, reason: 'x' },
      { action: 'update', entity: { type: 'order', id: '2' }, reason: 'x' },
      { action: 'update', tenant: 'acme', entity: { type: 'note', id: '1' }, reason: 'x' },
      { action: 'update', entity: { type: 'order', id: '3' }, reason: 'x' },
      { action: 'update', tenant: 'acme', entity: { type: 'note', id: '2' }, reason: 'x' },
    );
    trail.clock.advance(10 * day);
  });

  afterEach(() => trail[Symbol.asyncDispose]());

  const scopes: readonly HoldScope[] = [
    {},
    { actor: 'ann' },
    { actor: { type: 'user' } },
    { entity: 'order' },
    { entity: { type: 'order', id: '1' } },
    { stream: 'entity:order' },
    { entity: 'note', tenant: 'acme', actor: undefined },
  ];

  for (const what of scopes) {
    it(`on ${JSON.stringify(what)} refuses a purge of it by name, until it is released`, async () => {
      const { log } = trail;
      const hold = await log.hold(what, 'case 1');
      const error = await rejectionOf(log.purge({ olderThan }));
      expect(error).to.be.instanceOf(LegalHoldError);
      expect(error).to.deep.include({ holds: [hold.id] });
      expect((error as Error).message).to.include(hold.id);
      expect((await trail.entries()).filter(({ action }) => action === 'update')).to.have.lengthOf(5);
      await log.release(hold.id, 'case closed');
      expect((await log.purge({ olderThan, entityTypes: ['order', 'note'] })).purged).to.equal(3);
      expect((await log.verify()).isSound).to.equal(true);
    });
  }

  const liftings: Readonly<Record<string, string>> = {
    'is deleted': 'delete from audit_holds',
    'is marked as released': 'update audit_holds set released_at = 1',
    'is narrowed': `update audit_holds set what = '{"actor":"nobody"}'`,
  };

  for (const [name, statement] of Object.entries(liftings)) {
    it(`goes on where its row ${name} by a statement, for the trail proves it, until it is released`, async () => {
      const { log, provider } = trail;
      const ann = { type: 'user', id: 'ann' } as const;
      const { id } = await runAs(ann, () => log.hold({ actor: 'ann' }, 'case 1'));
      trail.clock.advance(10 * day);
      await trail.record({ action: 'read', entity: { type: 'audit_hold', id: 'x' } });
      await provider.exec(statement);
      for (const work of [() => log.purge({ olderThan }), () => log.erase('ann', { reason: 'request 1' })]) {
        const error = await rejectionOf(work());
        expect(error).to.be.instanceOf(LegalHoldError);
        expect(error).to.deep.include({ holds: [id] });
      }
      // Neither goes the event that proves it.
      await log.purge({ olderThan, held: 'keep' });
      expect(await rejectionOf(log.purge({ olderThan, stream: 'entity:order' }))).to.be.instanceOf(
        LegalHoldError,
      );
      expect(await log.release(id, 'case closed')).to.deep.include({ id, releasedAt: trail.clock.now() });
      expect(await rejectionOf(log.release(id, 'case closed'))).to.be.instanceOf(NotFoundError);
      // By ann are two: what was held, and the hold, which stays.
      expect(await log.erase('ann', { reason: 'request 1' })).to.deep.equal({ erased: 1 });
      expect((await log.purge({ olderThan })).purged).to.be.greaterThan(0);
      expect((await log.verify()).isSound).to.equal(true);
    });
  }

  for (const content of ['{"reason":"case closed"}', null]) {
    it(`is not lifted by an event of its release that nobody recorded, ${content === null ? 'without' : 'with'} content`, async () => {
      const { log, provider } = trail;
      const { id } = await log.hold({ actor: 'ann' }, 'case 1');
      await provider.exec('delete from audit_holds');
      const placed = (await readRows(provider)).find(({ action }) => action === 'audit.hold')!;
      const forged = {
        ...placed,
        id: '00000000-0000-7000-8000-000000000000',
        seq: placed.seq + 1,
        action: 'audit.release',
        content,
        prev_hash: placed.hash,
      };
      await provider.db
        .insertInto('audit_logs')
        .values({ ...forged, hash: hashOf(forged) })
        .execute();
      const error = await rejectionOf(log.purge({ olderThan }));
      expect(error).to.be.instanceOf(LegalHoldError);
      expect(error).to.deep.include({ holds: [id] });
    });
  }

  it('names every one that keeps something, and lets a purge pass that takes nothing of it', async () => {
    const { log } = trail;
    const [one, , other] = [
      await log.hold({ actor: 'ann' }, 'case 1'),
      await log.hold({ actor: 'ben' }, 'case 2'),
      await log.hold({ entity: 'order' }, 'case 3'),
    ];
    const error = await rejectionOf(log.purge({ olderThan }));
    expect((error as LegalHoldError).holds).to.have.members([one.id, other.id]);
    expect(await log.purge({ olderThan, tenant: 'acme' })).to.deep.equal({ purged: 1, segments: 1 });
    // What is kept stays, and what is around it goes.
    expect(await log.purge({ olderThan, held: 'keep' })).to.deep.equal({ purged: 0, segments: 0 });
    await log.release(other.id, 'case closed');
    expect(await log.purge({ olderThan, held: 'keep', stream: 'entity:order' })).to.deep.equal({
      purged: 1,
      segments: 1,
    });
    const left = (await trail.entries()).filter(({ stream }) => stream === 'entity:order');
    expect(left.map(({ seq }) => seq)).to.deep.equal([1, 3]);
    expect((await log.verify()).isSound).to.equal(true);
  });

  it('refuses an erasure, of which nothing is done', async () => {
    const { log } = trail;
    const hold = await log.hold({ entity: { type: 'order', id: '1' } }, 'case 1');
    const error = await rejectionOf(
      log.erase('ann', { reason: 'request 1', also: [{ type: 'order', id: '2' }] }),
    );
    expect(error).to.be.instanceOf(LegalHoldError);
    expect((error as LegalHoldError).holds).to.deep.equal([hold.id]);
    expect((await trail.entries()).filter(({ isErased }) => isErased)).to.deep.equal([]);
    await log.release(hold.id, 'case closed');
    expect(await log.erase('ann', { reason: 'request 1' })).to.deep.equal({ erased: 1 });
  });

  it('that is placed while a purge runs stops the rest of it', async () => {
    const { log } = trail;
    await trail.record(
      { action: 'update', entity: { type: 'user', id: '1' } },
      { action: 'update', entity: { type: 'user', id: '2' } },
    );
    trail.clock.advance(10 * day);
    const placed: Promise<unknown>[] = [];
    const error = await rejectionOf(
      log
        .purge({
          olderThan,
          // Between the chain of the orders and that of the users; the purge waits for nobody, the hold for the purge.
          onProgress: () => placed.push(log.hold({ entity: 'user' }, 'case 1')),
          exceptEntityTypes: ['note'],
        })
        .then(async (report) => {
          await Promise.all(placed);
          throw new Error(`purged ${report.purged}`);
        }),
    );
    await Promise.all(placed);
    const users = (await trail.entries()).filter(({ stream }) => stream === 'entity:user');
    // Whichever came first, none was taken that was held by then.
    if (error instanceof LegalHoldError) expect(users).to.have.lengthOf(2);
    else expect(users).to.have.lengthOf(1);
    expect((await log.verify()).isSound).to.equal(true);
  });

  it('is recorded with who placed and who released it, and is listed', async () => {
    const { log, clock } = trail;
    const ann = { type: 'user', id: 'ann' } as const;
    const first = await runAs(ann, () => log.hold({ tenant: 'acme' }, 'case 1'));
    clock.advance(1);
    const second = await log.hold({}, 'case 2');
    const placedAt = clock.now() - 1;
    expect(first).to.deep.include({ what: { tenant: 'acme' }, reason: 'case 1', placedAt, placedBy: 'ann' });
    expect(await log.holds()).to.deep.equal([second, first]);
    const released = await runAs({ type: 'user', id: 'ben' }, () =>
      log.release(second.id.toUpperCase(), 'case closed'),
    );
    expect(released).to.deep.equal({ ...second, releasedAt: clock.now(), releasedBy: 'ben' });
    expect(await log.holds()).to.deep.equal([first, released]);
    const events = (await trail.entries()).filter(({ action }) => action.startsWith('audit.'));
    expect(
      events.map(({ action, entity, actor, reason }) => [action, entity?.id, actor?.id, reason]),
    ).to.deep.equal([
      ['audit.hold', first.id, 'ann', 'case 1'],
      ['audit.hold', second.id, undefined, 'case 2'],
      ['audit.release', second.id, 'ben', 'case closed'],
    ]);
    expect(await rejectionOf(log.release(second.id, 'again'))).to.be.instanceOf(NotFoundError);
    expect(await rejectionOf(log.release('x', 'x'))).to.be.instanceOf(ValidationError);
    expect(await rejectionOf(log.release(first.id, ''))).to.be.instanceOf(ValidationError);
    for (const what of [{ form: 1 }, { from: 1 }, null, { entity: '' }]) {
      expect(await rejectionOf(log.hold(what as HoldScope, 'x'))).to.be.instanceOf(ValidationError);
    }
    expect(await rejectionOf(log.hold({}, ''))).to.be.instanceOf(ValidationError);
  });
});

describeOnDatabase('postgres', 'a legal hold', (database) => {
  it('waits for the purge that runs, so that it never seems to hold what is gone', async function () {
    this.timeout(60_000);
    const url = await database.freshUrl();
    await using trail = await openTrail(url);
    await using beside = await openTrail(url);
    await trail.record(
      { action: 'update', entity: { type: 'user', id: '1' } },
      { action: 'update', entity: { type: 'user', id: '2' } },
    );
    trail.clock.advance(10 * day);
    let placing: Promise<LegalHold> | undefined;
    const seen: number[] = [];
    class WatchedLog extends AuditLog {
      override async record<DB>(db: Kysely<DB>, event: AuditEvent): Promise<void> {
        await super.record(db, event);
        placing = beside.log.hold({}, 'case 1');
        for (let look = 0; look < 50; look += 1) seen.push((await beside.log.holds()).length);
      }
    }
    const log = new WatchedLog(trail.provider, { keys: auditKeys(), clock: trail.clock });
    expect(await log.purge({ olderThan })).to.deep.equal({ purged: 1, segments: 1 });
    expect(seen).to.have.lengthOf(50);
    expect(Math.max(...seen)).to.equal(0);
    await placing;
    expect(await beside.log.holds()).to.have.lengthOf(1);
    expect(await rejectionOf(trail.log.purge({ olderThan, stream: 'entity:user' }))).to.be.instanceOf(
      LegalHoldError,
    );
  });
});

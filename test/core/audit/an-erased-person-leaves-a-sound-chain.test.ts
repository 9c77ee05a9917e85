import { expect } from 'chai';
import { ValidationError } from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { pickSeed, seededRandom } from '../../support/seeded-random.ts';
import { readRows } from './audit-fixture.ts';
import { openTrail, randomEvent } from './trail-fixture.ts';

describeOnEachDatabase('erasing a person', (database) => {
  it('takes the contents of all by and about the person alone, and the chain verifies', async () => {
    const seed = pickSeed();
    const random = seededRandom(seed);
    await using trail = await openTrail(await database.freshUrl());
    const { provider, log } = trail;
    await trail.record(...Array.from({ length: 80 }, () => randomEvent(random)));
    const before = await readRows(provider);
    const isOf = ({ actor_id: by, entity_id: about }: (typeof before)[number]) =>
      by === 'ann' || about === 'ann';
    expect(await log.erase('ann', { reason: 'request 1' })).to.deep.equal({
      erased: before.filter(isOf).length,
    });
    const after = await readRows(provider);
    for (const row of before) {
      const now = after.find(({ id }) => id === row.id);
      expect(now, `seed ${seed}`).to.deep.equal(isOf(row) ? { ...row, content: null } : row);
    }
    expect(await log.verify()).to.deep.include({ isSound: true, rows: after.length });
    const events = (await trail.entries()).filter(({ action }) => action === 'audit.erase');
    expect(events).to.not.have.lengthOf(0);
    for (const event of events) {
      expect(event).to.deep.include({ entity: { type: 'person', id: 'ann' }, reason: 'request 1' });
    }
    // The second time there is nothing left to do; the explanation itself stays.
    expect(await log.erase('ann', { reason: 'request 2' })).to.deep.equal({ erased: 0 });
    expect((await log.verify()).isSound).to.equal(true);
  });

  it('takes what belongs to the person where it is named, in portions, and ends with its signal', async function () {
    this.timeout(60_000);
    await using trail = await openTrail(await database.freshUrl());
    const { provider, log } = trail;
    await provider.transaction(async (tx) => {
      for (let count = 0; count < 1_200; count += 1) {
        // All of one time: the next portion begins among equals.
        await log.record(tx, {
          action: 'update',
          entity: { type: 'key', id: count < 1_100 ? 'k1' : 'k2' },
          reason: 'x',
        });
      }
    });
    const stop = new AbortController();
    const seen: number[] = [];
    const ended = await rejectionOf(
      log.erase('ann', {
        reason: 'request 1',
        also: [{ type: 'key', id: 'k1' }],
        signal: stop.signal,
        onProgress: (erased) => {
          seen.push(erased);
          if (erased === 1_000) stop.abort(new Error('enough'));
        },
      }),
    );
    expect(ended).to.include({ message: 'enough' });
    expect(seen).to.deep.equal([500, 1_000]);
    expect((await log.verify()).isSound).to.equal(true);
    expect(await log.erase('ann', { reason: 'request 1', also: [{ type: 'key', id: 'k1' }] })).to.deep.equal({
      erased: 100,
    });
    const left = (await trail.entries()).filter(({ action, isErased }) => action === 'update' && !isErased);
    expect(left.map(({ entity }) => entity?.id)).to.deep.equal(Array.from({ length: 100 }, () => 'k2'));
    expect((await log.verify()).isSound).to.equal(true);
  });

  it('is explained by the library alone: what an application records by that name explains nothing', async () => {
    await using trail = await openTrail(await database.freshUrl());
    for (const erased of [undefined, null, 5, 'x', [5], [null], [['audit', 1, 1]], [['audit', 1, 1, 'x']]]) {
      await trail.record({
        action: 'audit.erase',
        metadata: erased === undefined ? undefined : { erased },
        actor: { type: 'user', id: 'ann' },
      });
    }
    await trail.record({ action: 'read', actor: { type: 'user', id: 'ann' }, tenant: 'acme' });
    expect(await trail.log.erase('ann', { reason: 'request 1' })).to.deep.equal({ erased: 1 });
    expect(await trail.log.verify()).to.include({ isSound: true, rows: 10 });
  });

  it('asks for a reason, and says what is wrong', async () => {
    await using trail = await openTrail(await database.freshUrl());
    expect(await rejectionOf(trail.log.erase('ann', { reason: '' }))).to.be.instanceOf(ValidationError);
    expect(await rejectionOf(trail.log.erase('', { reason: 'x' }))).to.be.instanceOf(ValidationError);
  });
});

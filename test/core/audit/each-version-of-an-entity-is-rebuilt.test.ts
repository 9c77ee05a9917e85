import { expect } from 'chai';
import { AuditLog, type AuditEvent, type FieldChange } from '../../../src/core/audit/index.ts';
import { NotFoundError, ValidationError } from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { integerBetween, pickSeed, seededRandom } from '../../support/seeded-random.ts';
import { auditKeys } from './audit-fixture.ts';
import { openTrail, pick } from './trail-fixture.ts';

type Fields = Record<string, unknown>;

const order = { type: 'order', id: '7' };

describeOnEachDatabase('the history of an entity', (database) => {
  it('rebuilds it after each change, however it was changed', async () => {
    const seed = pickSeed();
    const random = seededRandom(seed);
    await using trail = await openTrail(await database.freshUrl());
    const values: unknown[] = [null, 1, 'ü', { a: [1, { b: 2 }] }, [], { constructor: 1 }, true];
    let model: Fields | undefined;
    const states: (Fields | undefined)[] = [];
    for (let count = 0; count < 60; count += 1) {
      const fields = Object.fromEntries(
        Array.from({ length: integerBetween(random, 1, 4) }, () => [
          pick(random, ['name', 'total', 'constructor', 'lines']),
          pick(random, values),
        ]),
      );
      const before: Fields = model ?? {};
      const kind = random();
      let event: AuditEvent;
      if (model === undefined) {
        event = {
          action: 'create',
          changes: Object.entries(fields).map(([field, value]) => ({ field, new: value })),
        };
        model = fields;
      } else if (kind < 0.2) {
        event = { action: 'delete', changes: Object.entries(before).map(([field, old]) => ({ field, old })) };
        model = undefined;
      } else if (kind < 0.4) {
        event = { action: 'reveal', reason: 'asked for' };
      } else {
        event = {
          action: 'update',
          changes: Object.entries(fields).map(([field, value]) => ({
            field,
            new: value,
            ...(Object.hasOwn(before, field) && { old: before[field] }),
          })),
        };
        model = { ...before, ...fields };
      }
      states.push(model);
      // The clock of another process may be behind: the chain decides.
      trail.clock.shiftWall(integerBetween(random, -50, 50));
      await trail.record(
        { ...event, entity: order },
        { action: 'update', entity: { type: 'order', id: '8' } },
      );
    }
    const versions = await trail.log.history('order', '7');
    expect(
      versions.map(({ state }) => state),
      `seed ${seed}`,
    ).to.deep.equal(states);
    expect(versions.every(({ isComplete }) => isComplete)).to.equal(true);
    expect(await trail.log.history('order', 'nothing')).to.deep.equal([]);
  });

  it('says where it does not know all: before the trail began, behind an erasure, over a gap', async () => {
    await using trail = await openTrail(await database.freshUrl());
    await trail.record(
      { action: 'update', entity: order, changes: [{ field: 'a', old: 1, new: 2 }] },
      { action: 'update', entity: order, changes: [{ field: 'b', old: 'x', new: 'y' }] },
      { action: 'create', entity: order, changes: [{ field: 'a', new: 5 }] },
      { action: 'update', entity: order, changes: [{ field: 'a', old: 6, new: 7 }] },
      {
        action: 'update',
        entity: order,
        actor: { type: 'user', id: 'ann' },
        changes: [{ field: 'a', old: 7, new: 8 }],
      },
      { action: 'update', entity: order, changes: [{ field: 'b', old: 'z', new: null }] },
    );
    await trail.log.erase('ann', { reason: 'request 1' });
    const versions = await trail.log.history('order', '7');
    expect(versions.map(({ state, isComplete }) => ({ state, isComplete }))).to.deep.equal([
      // The old value of the second change is told of by it.
      { state: { a: 2, b: 'x' }, isComplete: false },
      { state: { a: 2, b: 'y' }, isComplete: false },
      { state: { a: 5 }, isComplete: true },
      { state: { a: 7 }, isComplete: false },
      { state: { b: 'z' }, isComplete: false },
      { state: { b: null }, isComplete: false },
    ]);
    expect(versions[4]?.entry).to.include({ isErased: true, action: 'update' });
    expect(versions[4]?.entry.changes).to.deep.equal([]);
  });

  it('tells how two versions differ', async () => {
    await using trail = await openTrail(await database.freshUrl());
    await trail.record(
      {
        action: 'create',
        entity: order,
        changes: [
          { field: 'a', new: { x: 1, y: [2] } },
          { field: 'b', new: 1 },
        ],
      },
      {
        action: 'update',
        entity: order,
        changes: [
          { field: 'b', old: 1, new: 2 },
          { field: 'c', new: 3 },
        ],
      },
      { action: 'update', entity: order, changes: [{ field: 'b', old: 2, new: 1 }] },
      { action: 'delete', entity: order, changes: [{ field: 'b', old: 1 }] },
      { action: 'create', entity: { type: 'order', id: '8' }, changes: [] },
      { action: 'sign-in' },
    );
    const ids = (await trail.entries()).map(({ id }) => id) as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    const changesOf = async (from: string, to: string) => (await trail.log.diff(from, to)).changes;
    expect(await changesOf(ids[0], ids[1])).to.deep.equal([
      { field: 'b', old: 1, new: 2 },
      { field: 'c', new: 3 },
    ]);
    expect(await changesOf(ids[0], ids[2])).to.deep.equal([{ field: 'c', new: 3 }]);
    expect(await changesOf(ids[2], ids[0].toUpperCase())).to.deep.equal([{ field: 'c', old: 3 }]);
    expect(await changesOf(ids[1], ids[1])).to.deep.equal([]);
    expect((await changesOf(ids[2], ids[3])).map(({ field }) => field)).to.deep.equal(['a', 'b', 'c']);
    expect(await rejectionOf(trail.log.diff(ids[0], ids[4]))).to.be.instanceOf(ValidationError);
    expect(await rejectionOf(trail.log.diff(ids[5], ids[5]))).to.be.instanceOf(ValidationError);
    expect(
      await rejectionOf(trail.log.diff(ids[0], '00000000-0000-7000-8000-000000000000')),
    ).to.be.instanceOf(NotFoundError);
    expect(await rejectionOf(trail.log.diff(ids[0], 'x'))).to.be.instanceOf(ValidationError);
    expect(await rejectionOf(trail.log.history('', '7'))).to.be.instanceOf(ValidationError);
  });

  it('is whole where codes were made with another key: they cannot be told to differ', async () => {
    await using trail = await openTrail(await database.freshUrl());
    const long = 'x'.repeat(70_000);
    const rotated = new AuditLog(trail.provider, { keys: auditKeys('rotated'), clock: trail.clock });
    const change = async (log: AuditLog, action: string, changes: readonly FieldChange[]) =>
      trail.provider.transaction((tx) => log.record(tx, { action, entity: order, changes }));
    const pin = (log: AuditLog, value: string) => log.mask('order', 'pin', value);
    await change(trail.log, 'create', [
      { field: 'pin', new: pin(trail.log, 'a') },
      { field: 'text', new: long },
    ]);
    await change(rotated, 'update', [{ field: 'pin', old: pin(rotated, 'a'), new: pin(rotated, 'b') }]);
    await change(rotated, 'update', [{ field: 'text', old: long, new: 'short' }]);
    const isComplete = async () =>
      (await trail.log.history('order', '7')).map((version) => version.isComplete);
    expect(await isComplete()).to.deep.equal([true, true, true]);
    await change(rotated, 'update', [{ field: 'pin', old: pin(rotated, 'c'), new: pin(rotated, 'd') }]);
    expect(await isComplete()).to.deep.equal([true, true, true, false]);
  });
});

import { expect } from 'chai';
import type { AuditEntry, AuditFilter } from '../../../src/core/audit/index.ts';
import { ValidationError } from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { integerBetween, pickSeed, seededRandom, type Random } from '../../support/seeded-random.ts';
import { gather, openTrail, people, pick, randomEvent, types } from './trail-fixture.ts';

/** What the entry holds that a text is looked for in. */
function textsOf({ changes, reason, metadata }: AuditEntry): string {
  return JSON.stringify([changes, reason, metadata]);
}

function matches(entry: AuditEntry, filter: AuditFilter): boolean {
  const { actor, entity, action, from, to, tenant, stream, requestId, text } = filter;
  const [who, what] = [
    typeof actor === 'string' ? { id: actor } : (actor ?? {}),
    typeof entity === 'string' ? { type: entity } : (entity ?? {}),
  ] as { type?: string; id?: string }[];
  const has = (wanted: unknown, value: unknown) => wanted === undefined || wanted === value;
  return (
    has(who?.type, entry.actor?.type) &&
    has(who?.id, entry.actor?.id) &&
    has(what?.type, entry.entity?.type) &&
    has(what?.id, entry.entity?.id) &&
    (action === undefined || [action].flat().includes(entry.action)) &&
    (from === undefined || entry.recordedAt >= from) &&
    (to === undefined || entry.recordedAt < to) &&
    has(tenant, entry.tenant) &&
    has(stream, entry.stream) &&
    has(requestId, entry.requestId) &&
    (text === undefined || textsOf(entry).includes(JSON.stringify(text).slice(1, -1)))
  );
}

function randomFilter(random: Random, start: number): AuditFilter {
  const filters: AuditFilter[] = [
    { actor: pick(random, people) },
    { actor: { type: 'service' } },
    { actor: { type: 'user', id: pick(random, people) } },
    { entity: pick(random, types) },
    { entity: { type: pick(random, types), id: pick(random, people) } },
    { action: pick(random, ['update', 'reveal', 'nothing']) },
    { action: ['create', 'delete'] },
    { from: start + integerBetween(random, 0, 120) },
    { to: start + integerBetween(random, 0, 120) },
    { tenant: 'acme' },
    { stream: 'tenant:acme' },
    { requestId: 'r1' },
    { text: pick(random, ['said "so"', 'a\nline', 'ü', '🌱', '=1+1', 'name', 'nowhere']) },
  ];
  const count = integerBetween(random, 0, 4);
  return Object.assign({}, ...Array.from({ length: count }, () => pick(random, filters))) as AuditFilter;
}

describeOnEachDatabase('the trail', (database) => {
  it('answers every filter and page as a list in memory does', async function () {
    this.timeout(120_000);
    const seed = pickSeed();
    const random = seededRandom(seed);
    await using trail = await openTrail(await database.freshUrl());
    const start = trail.clock.now();
    // Several of one time, and times that go back: the id decides among equals.
    for (let count = 0; count < 120; count += 1) {
      if (random() < 0.3) trail.clock.shiftWall(integerBetween(random, -5, 5));
      await trail.record(randomEvent(random));
    }
    const all = await trail.entries();
    expect(all).to.have.lengthOf(120);
    for (let count = 0; count < 80; count += 1) {
      const filter = randomFilter(random, start);
      const told = `seed ${seed}: ${JSON.stringify(filter)}`;
      const wanted = all.filter((entry) => matches(entry, filter)).map(({ id }) => id);
      expect(
        (await gather(trail.log.entries(filter))).map(({ id }) => id),
        told,
      ).to.deep.equal(wanted);
      const order = pick(random, ['newest', 'oldest', undefined] as const);
      const limit = integerBetween(random, 1, 20);
      const expected = order === 'oldest' ? wanted : wanted.toReversed();
      const read: string[] = [];
      for (let after: string | undefined; ;) {
        const page = await trail.log.trail(filter, { limit, after, ...(order && { order }) });
        read.push(...page.items.map(({ id }) => id));
        after = page.nextCursor;
        if (after === undefined) break;
        expect(page.items, told).to.have.lengthOf(limit);
      }
      expect(read, told).to.deep.equal(expected);
    }
  });

  it('tells of an entry what was recorded of it', async () => {
    await using trail = await openTrail(await database.freshUrl());
    await trail.record({
      action: 'update',
      actor: { type: 'user', id: 'ann', tenant: 'acme', requestId: 'r1' },
      entity: { type: 'order', id: '7' },
      changes: [{ field: 'name', old: null, new: { __proto__: 1, deep: ['ü'] } }],
      reason: 'asked to',
      traceId: 't1',
      metadata: JSON.parse('{"__proto__":{"polluted":true},"n":1}') as Record<string, unknown>,
    });
    const [entry] = await trail.entries();
    expect(entry).to.deep.include({
      stream: 'tenant:acme',
      seq: 1,
      recordedAt: trail.clock.now(),
      tenant: 'acme',
      actor: { type: 'user', id: 'ann' },
      action: 'update',
      entity: { type: 'order', id: '7' },
      requestId: 'r1',
      traceId: 't1',
      changes: [{ field: 'name', new: { deep: ['ü'] }, old: null }],
      reason: 'asked to',
      isErased: false,
    });
    expect(JSON.stringify(entry?.metadata)).to.equal('{"__proto__":{"polluted":true},"n":1}');
    expect(({} as { polluted?: unknown }).polluted).to.equal(undefined);
  });

  it('refuses what it does not know, and lists every fault', async () => {
    await using trail = await openTrail(await database.freshUrl());
    const faultsOf = async (filter: unknown, page: object = {}) => {
      const error = await rejectionOf(trail.log.trail(filter as AuditFilter, page));
      expect(error).to.be.instanceOf(ValidationError);
      return (error as ValidationError).issues.map(({ path }) => path.join('.'));
    };
    expect(await faultsOf({ form: 1, actor: { typ: 'user' }, entity: 7, text: '' })).to.deep.equal([
      'filter.form',
      'filter.actor.typ',
      'filter.entity',
      'filter.text',
    ]);
    expect(await faultsOf({ from: 1.5, to: 'now', action: [], tenant: 'x'.repeat(1_001) })).to.have.lengthOf(
      4,
    );
    expect(await faultsOf({ actor: { type: 'admin' } })).to.deep.equal(['filter.actor.type']);
    expect(await faultsOf(null)).to.deep.equal(['filter']);
    expect(await faultsOf({}, { order: 'random' })).to.deep.equal(['order']);
    expect(await faultsOf({}, { after: 'no cursor', limit: -1 })).to.have.lengthOf(2);
  });
});

import { expect } from 'chai';
import {
  cached,
  cachedTarget,
  createCache,
  MemoryStore,
  NoStore,
  type CacheQuestion,
} from '../../../src/core/cache/index.ts';
import { audited } from '../../../src/core/audit/index.ts';
import { ValidationError } from '../../../src/core/index.ts';
import { scoped } from '../../../src/core/security/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { accountsOf as accountsPlain, makeAccount, openAudited } from '../audit/audited-fixture.ts';
import { makeNote, makePerson, openCached, peopleOf, type CachedDatabase } from './cached-fixture.ts';

describeOnEachDatabase('a cache', (database) => {
  let opened: CachedDatabase;

  const open = async (options: Parameters<typeof openCached>[1] = {}) => {
    opened = await openCached(await database.freshUrl(), options);
    return opened;
  };

  afterEach(() => opened.close());

  it('tells what it has done by region', async () => {
    const { people, notes, cache } = await open();
    const person = await people.insert(makePerson());
    await notes.insert(makeNote(person, 1));
    await people.getById(person.id);
    await people.getById(person.id);
    await people.update({ ...person, name: 'new' });
    await people.findMany({});
    const { regions, entries, bytes } = cache.stats();
    expect(regions['people']).to.include({ hits: 1, misses: 2, loads: 2, staleServed: 0, invalidations: 2 });
    expect(regions['notes']).to.include({ hits: 0, loads: 0, invalidations: 1 });
    expect(entries).to.equal(2);
    expect(regions['people']!.bytes).to.equal(bytes).and.to.be.greaterThan(300);
  });

  it('explains its answer for a row, and sends nothing for it', async () => {
    const { people, cache, sent } = await open();
    const person = await people.insert(makePerson());
    expect(await cache.explain('people', person.id).catch((error: unknown) => error)).to.be.instanceOf(
      ValidationError,
    );
    await people.getById(person.id);
    sent();
    const told = await cache.explain('people', person.id);
    expect(told).to.include({ region: 'people', answer: 'hit', tier: 'memory', age: 0, changes: 0 });
    await people.update({ ...person, name: 'new' });
    sent();
    expect(await cache.explain('people', person.id)).to.include({
      answer: 'miss',
      reason: 'something that it depends on has changed',
    });
    expect(sent()).to.equal(0);
    expect(await cache.explain('nothing', 1).catch((error: unknown) => error)).to.be.instanceOf(
      ValidationError,
    );
  });

  it('keeps no more than it was told to, what was asked for last', async () => {
    const store = new MemoryStore({ maxEntries: 3 });
    const { people, cache } = await open({ cache: { store } });
    const all = Array.from({ length: 5 }, () => makePerson());
    await people.insertMany(all);
    for (const { id } of all) await people.getById(id);
    expect(cache.stats()).to.include({ entries: 3 });
    expect(cache.stats().regions['people']).to.include({ evictions: 2 });
    const answers = await Promise.all(all.map(({ id }) => cache.explain('people', id)));
    expect(answers.map(({ answer }) => answer)).to.deep.equal(['miss', 'miss', 'hit', 'hit', 'hit']);
  });

  it('counts bytes, and does not keep what is larger than all of it', async () => {
    const store = new MemoryStore({ maxBytes: 4_000 });
    const { people, cache } = await open({ cache: { store } });
    const large = await people.insert(makePerson({ name: 'x'.repeat(5_000) }));
    await people.getById(large.id);
    expect(cache.stats()).to.include({ entries: 0, bytes: 0 });
    expect(cache.stats().regions['people']).to.include({ bytes: 0 });
    const small = Array.from({ length: 20 }, () => makePerson());
    await people.insertMany(small);
    for (const { id } of small) await people.getById(id);
    expect(cache.stats().bytes).to.be.within(1, 4_000);
    expect(cache.stats().regions['people']!.bytes).to.equal(cache.stats().bytes);
  });

  it('may be switched off by a store that keeps nothing', async () => {
    const { people, cache, sent } = await open({ cache: { store: new NoStore() } });
    const person = await people.insert(makePerson());
    sent();
    await people.getById(person.id);
    await Promise.all([people.getById(person.id), people.getById(person.id)]);
    expect(sent()).to.equal(2);
    expect(cache.stats().entries).to.equal(0);
  });

  it('reads the database once it is closed', async () => {
    const { people, cache, sent } = await open();
    const person = await people.insert(makePerson());
    await people.getById(person.id);
    await cache.close();
    sent();
    await people.getById(person.id);
    await people.getById(person.id);
    expect(sent()).to.equal(2);
    expect(cache.stats().entries).to.equal(0);
  });

  it('forgets by row, tag and namespace, with a unit of work or at once', async () => {
    const terms = { namespace: 'humans', tags: ['all'] };
    const { people, cache, unitOfWork, provider, sent } = await open({
      terms,
      notes: { namespace: 'notes' },
    });
    const [one, other] = [makePerson(), makePerson()];
    await people.insertMany([one, other]);
    const isKept = async ({ id }: { id: string }) => {
      await people.getById(id);
      sent();
      return (await cache.explain('humans', id)).answer === 'hit';
    };
    const answerOf = async ({ id }: { id: string }) => (await cache.explain('humans', id)).answer;
    for (const what of [{ region: 'humans', id: one.id }, { tags: ['all'] }, { namespace: 'humans' }]) {
      expect(await isKept(one)).to.equal(true);
      expect(await isKept(other)).to.equal(true);
      await cache.invalidate(what);
      expect(await answerOf(one)).to.equal('miss');
      expect(await answerOf(other)).to.equal('id' in what ? 'hit' : 'miss');
      await isKept(one);
      await isKept(other);
      await unitOfWork.run(async ({ db }) => {
        await cache.invalidate(what, { on: db });
        expect(await answerOf(one)).to.equal('hit');
      });
      expect(await answerOf(one)).to.equal('miss');
      await isKept(one);
      // By the code around it, without a handle.
      await provider.transaction(async () => cache.invalidate(what));
      expect(await answerOf(one)).to.equal('miss');
      await isKept(one);
      const undone = unitOfWork.run(async () => {
        await cache.invalidate(what);
        throw new Error('on purpose');
      });
      await undone.catch(() => {});
      expect(await answerOf(one)).to.equal('hit');
    }
    await cache.clear();
    expect(await answerOf(one)).to.equal('miss');
    const kysely = provider.db.transaction().execute((tx) => cache.invalidate({ tags: ['all'] }, { on: tx }));
    expect(await kysely.catch((error: unknown) => error)).to.be.instanceOf(ValidationError);
    for (const wrong of [
      { region: 'gone', id: 1 },
      { region: 'humans', id: 'no uuid' },
      { namespace: 'gone' },
      { tags: 'x' },
    ])
      expect(await cache.invalidate(wrong as never).catch((error: unknown) => error)).to.be.instanceOf(
        ValidationError,
      );
    for (const wrong of [[-1], [1.5], [65_536], 'x'])
      expect(await cache.apply(wrong as never).catch((error: unknown) => error)).to.be.instanceOf(
        ValidationError,
      );
  });

  it('says all that is wrong with options at once', async () => {
    const { provider, cache, people } = await open();
    const options = {
      cache,
      ttl: 0,
      staleWhileRevalidate: -1,
      jitter: 2,
      groups: ['name', 'gone'],
      tags: [''],
      namespace: '',
    };
    expect(() => cached(peopleOf(provider), options as never))
      .to.throw(ValidationError)
      .with.property('issues')
      .that.has.length(6);
    expect(() => cached(people, { cache })).to.throw(ValidationError, /cached already/);
    expect(() => cached(peopleOf(provider), {} as never)).to.throw(ValidationError, /createCache/);
    expect(() => createCache({})).to.throw(ValidationError);
    expect(() => createCache(provider, { prefix: 'a b', uncertaintyWindow: 1 })).to.throw(ValidationError);
    expect(() => new MemoryStore({ maxEntries: 0, maxBytes: Number.NaN }))
      .to.throw(ValidationError)
      .with.property('issues')
      .that.has.length(2);
  });

  it('keeps nothing of a table whose writes it was told not to hear', async () => {
    const { provider } = await open();
    await using deaf = createCache(provider, { uncached: ['public.People'] });
    const refusal = /is told of no write of table "people"/;
    expect(() => cached(peopleOf(provider), { cache: deaf })).to.throw(ValidationError, refusal);
    await using other = createCache(provider, { uncached: ['notes'] });
    expect(() => cached(peopleOf(provider), { cache: other, dependsOn: ['notes'] })).to.throw(
      ValidationError,
      /"notes"/,
    );
    expect(await cached(peopleOf(provider), { cache: other }).count({})).to.be.a('number');
  });

  it('has other keys for other processes with other columns, versions, namespaces and values', async () => {
    const { provider } = await open();
    const keys = new Set<string>();
    class KeyStore extends NoStore {
      override read(question?: CacheQuestion) {
        keys.add(question!.sharedKey());
        return super.read();
      }
    }
    const id = crypto.randomUUID();
    const ask = async (
      schemaVersion: string,
      options: { namespace?: string; shapeVersion?: number } = {},
    ) => {
      await using cache = createCache(provider, { store: new KeyStore(), schemaVersion });
      const people = cached(peopleOf(provider), { cache, ...options });
      await people.findById(id);
      await people.findMany({ email: id });
      await people.findMany({ name: id });
      return keys.size;
    };
    expect(await ask('1')).to.equal(3);
    expect(await ask('1')).to.equal(3);
    expect(await ask('2')).to.equal(6);
    expect(await ask('1', { namespace: 'n' })).to.equal(9);
    expect(await ask('1', { shapeVersion: 2 })).to.equal(12);
    for (const key of keys)
      expect(key)
        .to.match(/^liminal:(people|n):\d?:[\w-]{12}:people:[\w-]{32}$/)
        .and.not.contain(id);
  });

  it('keeps nothing for an actor behind a border of rows', async () => {
    const { provider, cache } = await open();
    const mine = makePerson({ name: 'ann' });
    await peopleOf(provider).insert(mine);
    const people = cached(peopleOf(provider), { cache });
    await people.getById(mine.id);
    for (const actor of ['ann', 'ben', 'ann']) {
      const own = scoped(people, { column: 'name', actor });
      expect((await own.findById(mine.id)) !== undefined, actor).to.equal(actor === 'ann');
      expect(await own.count({}), actor).to.equal(actor === 'ann' ? 1 : 0);
    }
    expect(cache.stats().entries).to.equal(1);
  });
});

describeOnEachDatabase('a repository that is audited and cached', (database) => {
  it('records what it writes and keeps what it reads, in whichever order', async () => {
    const { provider, accounts, audit, log } = await openAudited(await database.freshUrl());
    await using cache = createCache(provider);
    await cache.ready();
    const outer = cached(accounts, { cache });
    for (const each of [outer, audited(cached(accountsPlain(provider), { cache }), audit.accounts)]) {
      const account = await each.insert(makeAccount());
      await each.getById(account.id);
      const { hits } = cache.stats().regions['accounts']!;
      await each.getById(account.id);
      expect(cache.stats().regions['accounts']!.hits).to.equal(hits + 1);
      await each.update({ ...account, seen: 1 });
      expect(await each.getById(account.id)).to.have.property('version', 2);
    }
    const entries = [];
    for await (const entry of log.entries()) entries.push(entry);
    expect(entries).to.have.length(4);
    expect(cachedTarget(provider, { cache })).to.have.property('reads');
    await provider.close();
  });
});

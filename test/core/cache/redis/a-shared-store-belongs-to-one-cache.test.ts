import { expect } from 'chai';
import { createCache, MemoryStore, RedisStore, TieredStore } from '../../../../src/core/cache/index.ts';
import { DatabaseProviderFactory, ValidationError } from '../../../../src/core/index.ts';

/** No server is asked: a cache that would share what is not its own is refused before. */
describe('a shared store belongs to one cache', () => {
  const provider = DatabaseProviderFactory.createProvider('sqlite::memory:');
  const client = { connect: () => ({ ready: Promise.reject(new Error('no server')), close() {} }) as never };
  const stores: RedisStore[] = [];
  const makeStore = () => {
    const store = new RedisStore(client);
    stores.push(store);
    return store;
  };
  const pathOf = (options: Parameters<typeof createCache>[1]) => {
    try {
      createCache(provider, options);
    } catch (error) {
      expect(error).to.be.instanceOf(ValidationError);
      return (error as ValidationError).issues.map(({ path }) => path.join('.'));
    }
    return 'none';
  };

  after(async () => {
    for (const store of stores) await store.close();
    await provider.close();
  });

  it('whose prefix is named, since every database needs one of its own', async () => {
    expect(pathOf({ store: makeStore() })).to.deep.equal(['prefix']);
    expect(pathOf({ store: new TieredStore(new MemoryStore(), makeStore()) })).to.deep.equal(['prefix']);
    const tiers = new TieredStore(new MemoryStore(), new TieredStore(new MemoryStore(), makeStore()));
    expect(pathOf({ store: tiers })).to.deep.equal(['prefix']);
    for (const store of [new MemoryStore(), new TieredStore(new MemoryStore(), new MemoryStore())]) {
      await createCache(provider, { store }).close();
    }
  });

  it('which alone listens by its bus', async () => {
    const other = makeStore();
    const prefix = 'shop';
    expect(pathOf({ prefix, bus: other.bus() }), 'no store on a server').to.deep.equal(['bus']);
    expect(pathOf({ prefix, store: makeStore(), bus: () => other.bus() })).to.deep.equal(['bus']);
    const own = makeStore();
    await createCache(provider, {
      prefix,
      store: new TieredStore(new MemoryStore(), own),
      bus: own.bus(),
    }).close();
  });

  it('and opens for no second one, whose keys and moves would go under another prefix', async () => {
    const store = makeStore();
    const cache = createCache(provider, { prefix: 'one', store });
    expect(pathOf({ prefix: 'two', store: new TieredStore(new MemoryStore(), store) })).to.deep.equal([
      'store',
    ]);
    await cache.close();
    expect(pathOf({ prefix: 'one', store }), 'behind its end').to.deep.equal(['store']);
  });
});

import { expect } from 'chai';
import type { CacheEntry, CacheQuestion } from '../../../src/core/cache/index.ts';
import { MemoryStore } from '../../../src/core/cache/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { AnyDatabase } from './any-table.ts';

const made = ['create table t (id text primary key, name text not null)', `insert into t values ('1', 'x')`];
const columns = { id: 'text', name: 'text' };

describeOnEachDatabase('a loop of hits', (database) => {
  it('lets the event loop turn', async () => {
    await using opened = await AnyDatabase.open(await database.freshUrl(), made);
    const rows = opened.cached('t', { columns, terms: { ttl: 80_000_000 } });
    await rows.findById('1');
    let turned = false;
    setImmediate(() => (turned = true));
    let hits = 0;
    for (; !turned && hits < 100_000; hits += 1) await rows.findById('1');
    expect(turned).to.equal(true);
    expect(hits).to.be.below(10_000);
    expect(opened.cache.stats().regions['t']?.misses).to.equal(1);
  });
});

describeOnEachDatabase('a long key', (database) => {
  it('is not kept, and each key counts as memory', async () => {
    const keys: string[] = [];
    class NotingStore extends MemoryStore {
      override store(question: CacheQuestion, entry: CacheEntry): boolean {
        keys.push(question.key);
        return super.store(question, entry);
      }
    }
    const store = new NotingStore();
    await using opened = await AnyDatabase.open(await database.freshUrl(), made, { store });
    const rows = opened.cached('t', { columns });
    const ids = ['a', 'b'].map((end) => 'x'.repeat(100_000) + end);
    for (const id of ids) await rows.findById(id);
    for (const id of ids) await rows.findMany({ id });
    for (const id of ids) await rows.findById(id);
    expect(new Set(keys).size).to.equal(4);
    expect(Math.max(...keys.map(({ length }) => length))).to.be.below(1_100);
    const { bytes, regions } = opened.cache.stats();
    const before = bytes;
    expect(regions['t']).to.include({ hits: 2, bytes });
    await rows.findById('y'.repeat(900));
    expect(opened.cache.stats().bytes - before).to.be.above(1_800);
  });
});

import { expect } from 'chai';
import { cached, createCache } from '../../../src/core/cache/index.ts';
import { findCallSite } from '../../../src/core/metrics/call-site.ts';
import { withSlowQueryThreshold } from '../../../src/core/foundation/slow-query-threshold.ts';
import { UnitOfWork } from '../../../src/core/transaction/unit-of-work.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { createThingRepository, makeThing, openThings } from '../repository/things.ts';
import { SteppingClock } from './stepping-clock.ts';

describeOnEachDatabase('a call site is named through every room', (database) => {
  it('by repositories and units of work, at once and in turn', async () => {
    const logger = recordingLogger();
    const clock = new SteppingClock(0);
    const provider = await openThings(database, { logger, clock });
    const things = createThingRepository(provider);
    const thing = makeThing();
    const cache = createCache(provider);
    await cache.ready();
    const kept = cached(things, { cache });
    const ways: Readonly<Record<string, () => Promise<unknown>>> = {
      async inserting() {
        await things.insert(thing);
      },
      async insertingMany() {
        await things.insertMany([makeThing(), makeThing()]);
      },
      async finding() {
        await things.findById(thing.id);
      },
      async paging() {
        await things.page({}, { limit: 5 });
      },
      async findingForACache() {
        await kept.findById(thing.id);
        await kept.findById(crypto.randomUUID());
      },
      async pagingForACache() {
        await kept.page({}, { limit: 5 });
      },
      async streaming() {
        for await (const _ of things.stream({})) break;
      },
      async inUnit() {
        await new UnitOfWork(provider).run(async function inUnit({ db }) {
          await things.findById(thing.id, { on: db });
          await Promise.all(
            [thing.id, thing.id].map(async function inUnitAtOnce(id) {
              await things.findById(id, { on: db });
            }),
          );
        });
      },
    };
    for (const [name, work] of Object.entries(ways)) {
      logger.lines.length = 0;
      clock.step = 2;
      await withSlowQueryThreshold(1, work);
      clock.step = 0;
      const sites = logger.lines
        .filter(({ fields }) => /^(?:select|insert)/u.test(String(fields['query'])))
        .map(({ fields }) => fields['callSite']);
      expect(sites.length, name).to.be.at.least(name === 'inUnit' ? 3 : 1);
      for (const site of sites)
        expect(site, name).to.match(new RegExp(`${name}(?:AtOnce)? .*through-every-room`, 'u'));
    }
    await cache.close();
    await provider.close();
  });
});

describe('a call site', () => {
  it('is the first frame that is nobody else’s', () => {
    const own = new URL('../../../src/core/query/a.ts', import.meta.url).href;
    const stack = [
      'Error',
      `    at tell (${own}:1:2)`,
      '    at async file:///app/node_modules/kysely/dist/a.js:1:2',
      '    at process.processTicksAndRejections (node:internal/process/task_queues:104:5)',
      '    at Array.map (<anonymous>)',
      '    at async loadThreads (file:///app/threads.ts:12:5)',
      '    at main (file:///app/main.ts:1:1)',
    ].join('\n');
    expect(findCallSite(stack)).to.equal('loadThreads (file:///app/threads.ts:12:5)');
    expect(findCallSite('Error\n    at native')).to.equal(undefined);
    expect(findCallSite('')).to.equal(undefined);
  });

  it('leaves the depth of stacks as it was', () => {
    const { stackTraceLimit } = Error;
    expect(findCallSite()).to.match(/a-call-site-is-named/u);
    expect(Error.stackTraceLimit).to.equal(stackTraceLimit);
  });
});

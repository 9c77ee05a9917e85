// Security check: C16.
import { expect } from 'chai';
import { runAs } from '../../../src/core/foundation/actor-context.ts';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import { ReadRepository } from '../../../src/core/repository/read-repository.ts';
import { Repository } from '../../../src/core/repository/repository.ts';
import { scoped } from '../../../src/core/security/scoped.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import {
  createThingRepository,
  openThings,
  type Tables,
  type ThingRepository,
} from '../repository/things.ts';
import { calls, findLeaks, type Methods } from './border-fuzz.ts';

const names = Object.keys(calls) as (keyof Methods)[];
// For subclasses, and the way to another provider.
const notOffered = ['constructor', 'database', 'runner', 'changed', 'rebind', 'table'];
const seed = 6;

describe('each method of a repository has its call in the fuzz', () => {
  it('so that a new one cannot be forgotten', () => {
    const methods = [ReadRepository, Repository].flatMap(({ prototype }) =>
      Object.getOwnPropertyNames(prototype),
    );
    const offered = [...new Set(methods)].filter((name) => !notOffered.includes(name));
    expect([...names].sort()).to.deep.equal(offered.sort());
  });
});

describeOnEachDatabase('no call crosses the border of an actor', (database) => {
  let provider: DatabaseProvider<Tables>;
  let things: ThingRepository;
  let mine: Methods;

  before(async () => {
    provider = await openThings(database);
    things = createThingRepository(provider);
    mine = scoped(things, { column: 'owner' });
  });

  after(() => provider.close());

  const asUser = <Result>(id: string, work: () => Promise<Result>): Promise<Result> =>
    runAs({ type: 'user', id }, work);

  it('whatever is asked for, and in which transaction', async function () {
    this.timeout(600_000);
    const count = soakCount(10_000);
    const leaks = await findLeaks(provider, things, { names, count, seed, methodsOf: () => mine, asUser });
    expect(leaks).to.deep.equal([]);
  });

  for (const name of names.filter((candidate) => candidate !== 'toEntity')) {
    it(`and the fuzz notices where ${name} is let past it`, async () => {
      const open: Methods = { ...mine, [name]: (things[name] as () => unknown).bind(things) };
      const leaks = await findLeaks(provider, things, {
        names: [name],
        count: 40,
        seed,
        methodsOf: () => open,
        asUser,
      });
      expect(leaks).not.to.deep.equal([]);
    });
  }
});

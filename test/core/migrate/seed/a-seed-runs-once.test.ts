import { expect } from 'chai';
import {
  DatabaseBusyError,
  DatabaseProviderFactory,
  MigrationError,
  UniqueViolationError,
  ValidationError,
  type DatabaseProvider,
} from '../../../../src/core/index.ts';
import { defineSeed, runSeeds, type Seed } from '../../../../src/core/migrate/index.ts';
import { startProgram } from '../../../support/child-program.ts';
import { describeOnDatabase, describeOnEachDatabase, type TestDatabase } from '../../../support/database.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { makePlans, sampleSeeds, type SeededTables } from './sample-seeds.ts';

const program = new URL('seeding-program.ts', import.meta.url);
const names = sampleSeeds.map(({ name }) => name);

async function openPlans(database: TestDatabase): Promise<DatabaseProvider<SeededTables>> {
  const provider = DatabaseProviderFactory.createProvider<SeededTables>(await database.freshUrl());
  await makePlans(provider);
  return provider;
}

async function readPlans(provider: DatabaseProvider<SeededTables>): Promise<string[]> {
  const rows = await provider.db.selectFrom('plans').select('id').orderBy('id').execute();
  return rows.map(({ id }) => id);
}

async function listTables(provider: DatabaseProvider<SeededTables>): Promise<string[]> {
  const tables = await provider.db.introspection.getTables();
  return tables.map(({ name }) => name).toSorted();
}

describeOnEachDatabase('a seed', (database) => {
  it('runs once, in its place, however often seeds are run', async () => {
    await using provider = await openPlans(database);
    const heard: string[] = [];
    const first = await runSeeds(provider, sampleSeeds, { onSeed: ({ name }) => heard.push(name) });
    expect(first.ran.map(({ name }) => name)).to.deep.equal(names);
    expect(heard).to.deep.equal(names);
    expect(await runSeeds(provider, sampleSeeds)).to.deep.equal({ ran: [], passedOver: names });
    expect(await readPlans(provider)).to.deep.equal(['free', 'pro', 'team']);
  });

  it('may be run alone, and the others later', async () => {
    await using provider = await openPlans(database);
    const { ran } = await runSeeds(provider, sampleSeeds, { only: '0002-pro' });
    expect(ran.map(({ name }) => name)).to.deep.equal(['0002-pro']);
    expect((await runSeeds(provider, sampleSeeds)).passedOver).to.deep.equal(['0002-pro']);
    expect(await readPlans(provider)).to.deep.equal(['free', 'pro', 'team']);
  });

  it('runs again where it is told to', async () => {
    await using provider = await openPlans(database);
    let runs = 0;
    const counting = defineSeed({ name: 'counting', run: async () => void (runs += 1) });
    await runSeeds(provider, [counting]);
    const { ran } = await runSeeds(provider, [counting], { again: true });
    expect(ran.map(({ name }) => name)).to.deep.equal(['counting']);
    expect(runs).to.equal(2);
    expect((await runSeeds(provider, [counting])).ran).to.deep.equal([]);
  });

  it('that fails leaves nothing behind, and those before it stay', async () => {
    await using provider = await openPlans(database);
    const failing: Seed = {
      name: '0004-broken',
      async run(db) {
        await db.insertInto('plans').values({ id: 'lost', price: 0, note: null }).execute();
        await db.insertInto('plans').values({ id: 'free', price: 0, note: null }).execute();
      },
    };
    const error = await rejectionOf(runSeeds(provider, [...sampleSeeds, failing]));
    expect(error).to.be.instanceOf(MigrationError).and.to.include({ migration: '0004-broken' });
    expect((error as MigrationError).cause).to.be.instanceOf(UniqueViolationError);
    expect(await readPlans(provider)).to.deep.equal(['free', 'pro', 'team']);
    expect((await runSeeds(provider, sampleSeeds)).passedOver).to.deep.equal(names);
    const again = await rejectionOf(runSeeds(provider, [failing]));
    expect(again).to.be.instanceOf(MigrationError);
  });

  it('that fails first makes no record at all, and neither do faults', async () => {
    await using provider = await openPlans(database);
    const failing: Seed = { name: 'broken', run: () => Promise.reject(new Error('broken')) };
    await rejectionOf(runSeeds(provider, [failing]));
    const [one] = sampleSeeds;
    const faults = await rejectionOf(runSeeds(provider, [one!, one!], { only: 'nobody', lockTimeout: -1 }));
    expect(faults).to.be.instanceOf(ValidationError);
    expect((faults as ValidationError).issues.map(({ path }) => path.join('.'))).to.deep.equal([
      'seeds.1.name',
      'only',
      'lockTimeout',
    ]);
    expect(await listTables(provider)).to.deep.equal(['plans']);
    expect(() => defineSeed({ name: 'no spaces', run: undefined as never }))
      .to.throw(ValidationError)
      .with.property('issues')
      .with.lengthOf(2);
  });
});

for (const name of ['sqlite-file', 'postgres'] as const) {
  describeOnDatabase(name, 'several processes that seed at once', (database) => {
    it('run each seed once', async function () {
      this.timeout(60_000);
      const url = await database.freshUrl();
      await using provider = DatabaseProviderFactory.createProvider<SeededTables>(url);
      await makePlans(provider);
      const children = Array.from({ length: 4 }, () => startProgram(program, [url]));
      await Promise.all(children.map((child) => child.line(0)));
      for (const child of children) child.say('go');
      const ends = await Promise.all(children.map((child) => child.ended));
      expect(ends.map(({ code, stderr }) => ({ code, stderr }))).to.deep.equal(
        ends.map(() => ({ code: 0, stderr: '' })),
      );
      const ran = children.flatMap((child) => child.lines.slice(1).join(' ').split(' ').filter(Boolean));
      expect(ran.toSorted()).to.deep.equal(names);
      expect(await readPlans(provider)).to.deep.equal(['free', 'pro', 'team']);
    });

    it('wait for each other as long as they are told to', async () => {
      const url = await database.freshUrl();
      await using holder = DatabaseProviderFactory.createProvider<SeededTables>(url);
      await makePlans(holder);
      await using other = DatabaseProviderFactory.createProvider<SeededTables>({ url, lockTimeout: 100 });
      const reached = Promise.withResolvers<void>();
      const gate = Promise.withResolvers<void>();
      const slow = defineSeed({
        name: 'slow',
        async run() {
          reached.resolve();
          await gate.promise;
        },
      });
      const run = runSeeds(holder, [slow]);
      await reached.promise;
      expect(await rejectionOf(runSeeds(other, [slow], { lockTimeout: 0 }))).to.be.instanceOf(
        DatabaseBusyError,
      );
      const waiting = runSeeds(other, [slow]);
      gate.resolve();
      expect((await run).ran).to.have.lengthOf(1);
      expect(await waiting).to.deep.equal({ ran: [], passedOver: ['slow'] });
    });
  });
}

import { AsyncLocalStorage } from 'node:async_hooks';
import { expect } from 'chai';
import {
  OperationNodeTransformer,
  WhereNode,
  sql,
  type KyselyPlugin,
  type PrimitiveValueListNode,
  type QueryId,
  type ValueNode,
} from 'kysely';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import { prepare, type Param } from '../../../src/core/query/prepared-query.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { createThingRepository, makeThing, openThings, type Tables } from '../repository/things.ts';

const asker = new AsyncLocalStorage<string>();

/** Shows everybody their own rows alone: it goes by who is asking. */
const ownRows: KyselyPlugin = {
  transformQuery({ node }) {
    const who = asker.getStore();
    if (node.kind !== 'SelectQueryNode' || who === undefined) return node;
    const isTheirs = sql`label = ${who}`.toOperationNode();
    const where =
      node.where === undefined
        ? WhereNode.create(isTheirs)
        : WhereNode.cloneWithOperation(node.where, 'And', isTheirs);
    return { ...node, where };
  },
  transformResult: ({ result }) => Promise.resolve(result),
};

/** Stores texts in capitals, and asks for them so: it goes by the values. */
class CapitalTexts extends OperationNodeTransformer implements KyselyPlugin {
  transformQuery: KyselyPlugin['transformQuery'] = ({ node, queryId }) => this.transformNode(node, queryId);
  transformResult: KyselyPlugin['transformResult'] = ({ result }) => Promise.resolve(result);

  protected override transformValue(node: ValueNode): ValueNode {
    return { ...node, value: inCapitals(node.value) };
  }

  protected override transformPrimitiveValueList(node: PrimitiveValueListNode): PrimitiveValueListNode {
    return { ...node, values: node.values.map(inCapitals) };
  }
}

function inCapitals(value: unknown): unknown {
  return value === 'name' ? 'NAME' : value;
}

/** Remembers something for each query, as plugins do by its id. */
class Remembering implements KyselyPlugin {
  readonly #open = new Set<QueryId>();
  readonly lost: QueryId[] = [];

  transformQuery: KyselyPlugin['transformQuery'] = ({ node, queryId }) => {
    this.#open.add(queryId);
    return node;
  };

  transformResult: KyselyPlugin['transformResult'] = ({ result, queryId }) => {
    if (!this.#open.delete(queryId)) this.lost.push(queryId);
    return Promise.resolve(result);
  };
}

describeOnEachDatabase('plugins take part in every call', (database) => {
  const opened: DatabaseProvider<Tables>[] = [];

  async function open(...plugins: KyselyPlugin[]): Promise<DatabaseProvider<Tables>> {
    const provider = await openThings(database, { plugins });
    opened.push(provider);
    return provider;
  }

  afterEach(() => Promise.all(opened.splice(0).map((provider) => provider.close())));

  const allOf = (provider: DatabaseProvider<Tables>) =>
    prepare(provider, (db) => db.selectFrom('things').select('label'));

  it('with what holds at the moment, so that nobody is shown what another one was', async () => {
    const provider = await open(ownRows);
    const things = createThingRepository(provider);
    const all = allOf(provider);
    await things.insertMany([makeThing({ label: 'ada' }), makeThing({ label: 'bob' })]);
    for (const who of ['ada', 'bob', 'ada']) {
      await asker.run(who, async () => {
        const inside = await provider.transaction(async (on) => [
          await things.findMany({}, { on, select: ['label'] }),
          await all.execute({}, { on }),
        ]);
        const [batched] = await provider.batch([all.with({})]);
        const outside = [await things.findMany({}, { select: ['label'] }), await all.execute({}), batched];
        for (const rows of [...inside, ...outside]) expect(rows).to.deep.equal([{ label: who }]);
      });
    }
  });

  it('also those of the handle alone', async () => {
    const provider = await open();
    const things = createThingRepository(provider);
    const all = allOf(provider);
    await things.insertMany([makeThing({ label: 'ada' }), makeThing({ label: 'bob' })]);
    const on = provider.db.withPlugin(ownRows);
    for (const who of ['ada', 'bob']) {
      await asker.run(who, async () => {
        expect(await all.execute({}, { on })).to.deep.equal([{ label: who }]);
        expect(await things.count({}, { on })).to.equal(1);
        expect(await things.count({})).to.equal(2);
        expect(await all.execute({})).to.have.length(2);
      });
    }
  });

  it('with the values, as in a query that is built for one call', async () => {
    const provider = await open(new CapitalTexts());
    const things = createThingRepository(provider);
    const byName = prepare(provider, (db, param: Param<{ name: string }>) =>
      db.selectFrom('things').select('name').where('name', '=', param('name')),
    );
    const thing = makeThing({ name: 'name' });
    expect((await things.insert(thing)).name).to.equal('NAME');
    await things.insertMany([makeThing({ name: 'name' }), makeThing({ name: 'other' })]);
    expect((await things.update({ ...thing, name: 'name' })).name).to.equal('NAME');
    expect(await things.count({ name: 'name' })).to.equal(2);
    expect(await byName.execute({ name: 'name' })).to.deep.equal([{ name: 'NAME' }, { name: 'NAME' }]);
    expect(await byName.execute({ name: 'other' })).to.deep.equal([{ name: 'other' }]);
  });

  it('with an id of its own for each call', async () => {
    const remembering = new Remembering();
    const provider = await open(remembering);
    const things = createThingRepository(provider);
    const all = allOf(provider);
    await things.insert(makeThing());
    for (let round = 0; round < 3; round += 1) {
      await Promise.all([things.count({}), things.count({}), all.execute({}), all.execute({})]);
    }
    expect(remembering.lost).to.deep.equal([]);
  });
});

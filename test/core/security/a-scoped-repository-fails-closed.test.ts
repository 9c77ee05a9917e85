import { expect } from 'chai';
import { sql, type Kysely } from 'kysely';
import { runAs } from '../../../src/core/foundation/actor-context.ts';
import { NotFoundError, StaleEntityError } from '../../../src/core/foundation/errors/entity-errors.ts';
import { ReadOnlyDatabaseError } from '../../../src/core/foundation/errors/transaction-errors.ts';
import { ForbiddenError } from '../../../src/core/foundation/errors/security-errors.ts';
import { ValidationError } from '../../../src/core/foundation/errors/validation-error.ts';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import type { UntypedDatabase } from '../../../src/core/repository/stored-row.ts';
import { RowScope } from '../../../src/core/security/row-scope.ts';
import { scoped } from '../../../src/core/security/scoped.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import {
  clearThings,
  createThingRepository,
  makeThing,
  openThings,
  type Tables,
  type Thing,
  type ThingRepository,
} from '../repository/things.ts';
import { users } from './border-fuzz.ts';

const [me, other] = users;

describeOnEachDatabase('a scoped repository fails closed', (database) => {
  let provider: DatabaseProvider<Tables>;
  let things: ThingRepository;
  let sent = 0;
  let mine: Thing;
  let theirs: Thing;

  before(async () => {
    provider = await openThings(database, { onStatement: () => (sent += 1) });
    things = createThingRepository(provider);
  });

  beforeEach(async () => {
    await clearThings(provider.db);
    mine = await things.insert(makeThing({ owner: me, name: 'mine' }));
    theirs = await things.insert(makeThing({ owner: other, name: 'theirs' }));
    sent = 0;
  });

  after(() => provider.close());

  it('where no actor is known, before anything is sent', async () => {
    for (const repository of [
      scoped(things, { column: 'owner' }),
      scoped(things, { column: 'owner', actor: () => undefined }),
      scoped(things, { column: 'owner', actor: '' }),
      scoped(things, { column: 'owner', actor: 'no uuid' }),
    ]) {
      const calls = [
        async () => repository.findMany({}),
        async () => repository.findById(mine.id),
        async () => repository.page({}, { limit: 0 }),
        async () => repository.insertMany([]),
        async () => repository.update(mine),
        async () => repository.stream({}),
        async () => repository.query(),
      ];
      for (const call of calls) expect(await rejectionOf(call())).to.be.instanceOf(ForbiddenError);
    }
    expect(sent).to.equal(0);
  });

  it('takes the actor of the context at each call', async () => {
    const repository = scoped(things, { column: 'owner' });
    const names = (id: string) => runAs({ type: 'user', id }, () => repository.findMany({}));
    expect((await names(me)).map(({ name }) => name)).to.deep.equal(['mine']);
    expect((await names(other)).map(({ name }) => name)).to.deep.equal(['theirs']);
    expect((await names(me.toUpperCase())).map(({ name }) => name)).to.deep.equal(['mine']);
  });

  it('says of another’s row what it says of none', async () => {
    const repository = scoped(things, { column: 'owner', actor: me });
    const none = makeThing({ owner: me });
    for (const row of [theirs, none]) {
      expect(await repository.findById(row.id)).to.equal(undefined);
      const failures = [
        () => repository.getById(row.id),
        () => repository.update({ ...row, owner: me }),
        () => repository.delete({ ...row, owner: me }),
        () => repository.update({ ...row, owner: me, version: 9 }),
      ];
      for (const failure of failures) expect(await rejectionOf(failure())).to.be.instanceOf(NotFoundError);
    }
    const stale = await rejectionOf(repository.update({ ...mine, version: 9 }));
    expect(stale).to.be.instanceOf(StaleEntityError);
  });

  it('stores nothing for somebody else, and gives nothing away', async () => {
    const repository = scoped(things, { column: 'owner', actor: me });
    const foreign = makeThing({ owner: other });
    sent = 0;
    for (const failure of [
      () => repository.insert(foreign),
      () => repository.insertMany([makeThing({ owner: me }), foreign]),
      () => repository.update({ ...mine, owner: other }),
      () => repository.update({ ...mine, owner: null }),
      () => repository.upsert({ ...mine, owner: other }),
    ]) {
      expect(await rejectionOf(failure())).to.be.instanceOf(ForbiddenError);
    }
    const taking = await rejectionOf(repository.upsert({ ...theirs, owner: me, name: 'taken' }));
    expect(taking).to.be.instanceOf(ForbiddenError);
    expect(JSON.stringify(taking)).not.to.contain('theirs').and.not.to.contain(other);
    expect(await things.findMany({}, { orderBy: 'name' })).to.deep.equal([mine, theirs]);
  });

  it('keeps to it in the transaction of a caller', async () => {
    const repository = scoped(things, { column: 'owner', actor: me });
    await provider.transaction(async (on) => {
      expect(await repository.count({}, { on })).to.equal(1);
      expect(await rejectionOf(repository.getById(theirs.id, { on }))).to.be.instanceOf(NotFoundError);
      await repository.update({ ...mine, name: 'changed' }, { on });
    });
    expect((await things.getById(mine.id)).name).to.equal('changed');
    await provider.transaction(async (on) => {
      const inside = scoped(createThingRepository({ db: on, sql: provider.sql }), {
        column: 'owner',
        actor: me,
      });
      expect(await inside.count({})).to.equal(1);
    });
  });

  it('closes what a builder could reach, and refuses what it cannot keep', async () => {
    const repository = scoped(things, { column: 'owner', actor: me });
    const query = repository.query();
    const union = query.select('name').unionAll((builder) => builder.selectFrom('things').select('name'));
    expect(await union.execute()).to.deep.equal([{ name: 'mine' }, { name: 'mine' }]);
    const all = query.select((builder) =>
      builder
        .selectFrom('things as t')
        .select(sql<number>`count(*)`.as('n'))
        .as('n'),
    );
    expect(Number((await all.executeTakeFirst())?.n)).to.equal(1);
    for (const table of ['elsewhere', 'main.things']) {
      const foreign = query.unionAll(
        (builder) => builder.selectFrom(table as 'things').select('name') as never,
      );
      expect(await rejectionOf(foreign.execute())).to.be.instanceOf(ForbiddenError);
    }
  });

  it('whatever the case of a column, and whatever stands at the end of a change', async () => {
    const scope = new RowScope({ rules: { things: { column: 'owner' } }, actor: me });
    const { db } = scope.provider(provider) as { readonly db: Kysely<unknown> } as {
      readonly db: UntypedDatabase;
    };
    const row = { ...makeThing({ owner: me, name: 'planted' }), data: '{}' };
    sent = 0;
    const ways: readonly { execute(): Promise<unknown> }[] = [
      db.updateTable('things').set({ OWNER: other }),
      db.updateTable('things').set('things.Owner', other),
      db.insertInto('things').values({ ...row, OWNER: other }),
      db.insertInto('things').values({ OWNER: other, ...row }),
      db.insertInto('things').values({ ...row, name: 'a', Name: 'b' }),
      db
        .insertInto('things')
        .values(row)
        .onConflict((on) => on.column('id').doUpdateSet({ OWNER: other })),
      db
        .insertInto('things')
        .values(row)
        .onConflict((on) => on.column('id').doUpdateSet((eb) => ({ OWNER: eb.ref('excluded.OWNER') }))),
      db
        .updateTable('things')
        .set({ name: 'x' })
        .modifyEnd(sql`or 1 = 1`),
      db.deleteFrom('things').modifyEnd(sql`or 1 = 1`),
      db
        .insertInto('things')
        .values(row)
        .modifyEnd(sql`on conflict (id) do update set name = 'x'`),
    ];
    for (const way of ways) expect(await rejectionOf(way.execute())).to.be.instanceOf(ForbiddenError);
    expect(sent).to.equal(0);
    expect(await things.findMany({}, { orderBy: 'name' })).to.deep.equal([mine, theirs]);
  });

  it('keeps the options of a transaction', async () => {
    const confined = new RowScope({ rules: { things: { column: 'owner' } }, actor: me }).provider(provider);
    const writing = confined.transaction(
      (on) => createThingRepository({ ...confined, db: on }).delete(mine),
      {
        readOnly: true,
      },
    );
    expect(await rejectionOf(writing)).to.be.instanceOf(ReadOnlyDatabaseError);
    const aborted = AbortSignal.abort(new Error('enough'));
    const late = confined.transaction(async () => {}, { signal: aborted });
    expect(await rejectionOf(late)).to.equal(aborted.reason);
    expect(await things.count({})).to.equal(2);
  });

  it('offers no way past the border', () => {
    const repository = scoped(things, { column: 'owner', actor: me }) as object;
    expect(repository).to.be.frozen;
    for (const name of ['rebind', 'database', 'runner', 'context', 'changed']) {
      expect(repository).not.to.have.property(name);
    }
  });

  it('and a column that is none, or cannot hold an actor, is a fault', () => {
    for (const column of ['nobody', 'score', 'data', 'bytes']) {
      expect(() => scoped(things, { column: column as never, actor: me })).to.throw(ValidationError);
    }
  });
});

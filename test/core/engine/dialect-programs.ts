/** Programs for a plain Kysely, each of which must give the same answer on Kysely's own dialect and on ours. */
import {
  CamelCasePlugin,
  CompiledQuery,
  ParseJSONResultsPlugin,
  sql,
  type ColumnType,
  type Generated,
  type Kysely,
  type KyselyPlugin,
  type LogEvent,
  type QueryResult,
} from 'kysely';
import { Migrator, NO_MIGRATIONS, type Migration } from 'kysely/migration';
import { rejectionOf } from '../../support/rejection.ts';
import { until } from '../../support/until.ts';

export interface Person {
  id: Generated<number>;
  first_name: string | null;
  last_name: string | null;
  gender: string;
  children: ColumnType<number, number | undefined, number>;
}

export interface Pet {
  id: Generated<number>;
  name: string;
  owner_id: number;
  species: string;
}

export interface Tables {
  person: Person;
  pet: Pet;
}

/** What a program has beside its Kysely. */
export interface ProgramTools {
  /** What was logged since the tables were made. */
  readonly logged: LogEvent[];
  /** Says of an error what a caller can see of it. */
  readonly describe: (error: unknown) => unknown;
}

export type Program = (db: Kysely<Tables>, tools: ProgramTools) => Promise<unknown>;

export const jennifer = { first_name: 'Jennifer', last_name: 'Aniston', gender: 'female', children: 0 };
const arnold = { first_name: 'Arnold', last_name: 'Schwarzenegger', gender: 'male', children: 5 };
const sylvester = { first_name: 'Sylvester', last_name: null, gender: 'male' };

/** Makes the tables and three persons with a pet each, by Kysely itself. */
export async function fillTables(db: Kysely<Tables>, idType: 'serial' | 'integer'): Promise<void> {
  const withId = (table: string) =>
    db.schema.createTable(table).addColumn('id', idType, (column) => column.primaryKey());
  await withId('person')
    .addColumn('first_name', 'varchar(255)')
    .addColumn('last_name', 'varchar(255)')
    .addColumn('gender', 'varchar(50)', (column) => column.notNull())
    .addColumn('children', 'integer', (column) =>
      column
        .notNull()
        .defaultTo(0)
        .check(sql`children >= 0`),
    )
    .execute();
  await withId('pet')
    .addColumn('name', 'varchar(255)', (column) => column.unique().notNull())
    .addColumn('owner_id', 'integer', (column) =>
      column.references('person.id').onDelete('cascade').notNull(),
    )
    .addColumn('species', 'varchar(50)', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('pet_owner_id_index').on('pet').column('owner_id').execute();
  for (const [index, person] of [jennifer, arnold, sylvester].entries()) {
    const { id } = await db.insertInto('person').values(person).returning('id').executeTakeFirstOrThrow();
    await db
      .insertInto('pet')
      .values({ name: `Pet ${index}`, owner_id: id, species: 'cat' })
      .execute();
  }
}

/** What a caller can read of a result; a field that is there and undefined is as good as none. */
export function fieldsOf({ rows, insertId, numAffectedRows, numChangedRows }: QueryResult<unknown>): unknown {
  return { rows, insertId, numAffectedRows, numChangedRows };
}

export async function collect<Row>(rows: AsyncIterable<Row>): Promise<Row[]> {
  const collected: Row[] = [];
  for await (const row of rows) collected.push(row);
  return collected;
}

export function countPersons(db: Kysely<Tables>): Promise<{ count: unknown }> {
  return db
    .selectFrom('person')
    .select((builder) => builder.fn.countAll().as('count'))
    .executeTakeFirstOrThrow();
}

export function timingOf(error: unknown): unknown {
  const { name, message } = error as Error;
  return { name, message, timing: (error as { __kysely_timing__?: string }).__kysely_timing__ };
}

export function textsOf(logged: readonly LogEvent[]): string[] {
  return logged.map(({ level, query }) => `${level}: ${query.sql} ${JSON.stringify(query.parameters)}`);
}

const failing = (name: string): Migration => ({
  up: () => Promise.reject(new Error(`${name} fails`)),
});

function makeMigrations(names: readonly string[]): Record<string, Migration> {
  return Object.fromEntries(
    names.map((name): [string, Migration] => [
      name,
      name.endsWith('!')
        ? failing(name)
        : {
            up: (db) => db.schema.createTable(`made_by_${name}`).addColumn('id', 'integer').execute(),
            down: (db) => db.schema.dropTable(`made_by_${name}`).execute(),
          },
    ]),
  );
}

function makeMigrator(db: Kysely<Tables>, names: readonly string[]): Migrator {
  return new Migrator({ db, provider: { getMigrations: async () => makeMigrations(names) } });
}

async function namesOfTables(db: Kysely<Tables>): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  return tables.map(({ name }) => name);
}

/** Programs that both engines can run. */
export const commonPrograms: Readonly<Record<string, Program>> = {
  async 'an insert says its id and its count'(db) {
    return [
      await db.insertInto('person').values(arnold).execute(),
      await db.insertInto('person').values([jennifer, arnold]).executeTakeFirst(),
      await db
        .insertInto('person')
        .values({ ...sylvester, id: 77 })
        .executeTakeFirst(),
      await db
        .insertInto('person')
        .columns(['first_name', 'gender'])
        .expression((builder) => builder.selectFrom('pet').select(['name', 'species']))
        .executeTakeFirst(),
    ];
  },

  async 'an insert returns rows'(db) {
    const rows = await db.insertInto('person').values([jennifer, arnold]).returningAll().execute();
    const raw = await sql`insert into person (gender) values (${'x'}) returning id, gender`.execute(db);
    return [rows, fieldsOf(raw)];
  },

  async 'an insert meets a conflict'(db) {
    const pet = { name: 'Pet 0', owner_id: 1, species: 'dog' };
    const insert = db.insertInto('pet').values(pet);
    return [
      await insert.onConflict((conflict) => conflict.column('name').doNothing()).executeTakeFirst(),
      await insert
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ species: 'dog' }))
        .executeTakeFirst(),
      await insert
        .onConflict((conflict) => conflict.column('name').doNothing())
        .returning('id')
        .execute(),
      await db.selectFrom('pet').selectAll().orderBy('id').execute(),
    ];
  },

  async 'an update says its count'(db) {
    const update = db.updateTable('person').set({ children: 2 });
    return [
      await update.where('gender', '=', 'male').execute(),
      await update.where('id', '=', -1).executeTakeFirst(),
      await update.where('gender', '=', 'male').returning(['id', 'children']).execute(),
      fieldsOf(await sql`update person set children = 3 where gender = ${'male'}`.execute(db)),
    ];
  },

  async 'a delete says its count'(db) {
    return [
      await db.deleteFrom('person').where('gender', '=', 'male').executeTakeFirst(),
      await db.deleteFrom('person').where('gender', '=', 'male').executeTakeFirst(),
      await db.deleteFrom('pet').returning('name').execute(),
      fieldsOf(await sql`delete from person`.execute(db)),
    ];
  },

  async 'a select gives rows'(db) {
    return [
      await db.selectFrom('person').selectAll().orderBy('id').execute(),
      await db
        .selectFrom('person')
        .leftJoin('pet', 'pet.owner_id', 'person.id')
        .select(['person.first_name as name', 'pet.name as pet', 'last_name'])
        .select((builder) => builder.fn.count<number>('pet.id').over().as('pets'))
        .orderBy('person.id')
        .execute(),
      await db
        .selectFrom('person')
        .select('gender')
        .union(db.selectFrom('pet').select('species as gender'))
        .orderBy('gender')
        .execute(),
      fieldsOf(await sql`select first_name from person where gender = ${'male'} order by id`.execute(db)),
      await db.selectFrom('person').selectAll().where('id', '=', -1).executeTakeFirst(),
      fieldsOf(await db.executeQuery(CompiledQuery.raw('select 1 as one'))),
      Object.getPrototypeOf(await db.selectFrom('pet').selectAll().executeTakeFirst()) === Object.prototype,
    ];
  },

  async 'a missing row is an error where one is asked for'(db, { describe }) {
    const query = db.selectFrom('person').selectAll().where('id', '=', -1);
    return [
      describe(await rejectionOf(query.executeTakeFirstOrThrow())),
      describe(await rejectionOf(query.executeTakeFirstOrThrow(() => new RangeError('mine')))),
    ];
  },

  async 'a common table expression may write'(db) {
    await db
      .with('males', (builder) => builder.selectFrom('person').select('id').where('gender', '=', 'male'))
      .updateTable('pet')
      .set({ species: 'dog' })
      .where('owner_id', 'in', (builder) => builder.selectFrom('males').select('id'))
      .execute();
    return db.selectFrom('pet').selectAll().orderBy('id').execute();
  },

  async 'a query may be asked for its plan'(db) {
    const plans = [
      await db.selectFrom('person').selectAll().limit(5).explain(),
      await db.insertInto('person').values(jennifer).explain(),
      await db.updateTable('person').set({ children: 1 }).where('id', '=', 1).explain(),
      await db.deleteFrom('person').where('id', '=', 1).explain(),
    ];
    return [plans.map((plan) => plan.length > 0), await countPersons(db)];
  },

  async 'a compiled query runs again and again'(db) {
    const compiled = db.selectFrom('person').select('first_name').where('id', '=', 1).compile();
    const answers = [];
    for (let run = 0; run < 3; run += 1) answers.push(fieldsOf(await db.executeQuery(compiled)));
    return answers;
  },

  async 'a table changes under its queries'(db) {
    const read = () => db.selectFrom('pet').selectAll().orderBy('id').limit(1).execute();
    const answers: unknown[] = [await read(), await read()];
    await db.schema.alterTable('pet').addColumn('note', 'text').execute();
    answers.push(await read());
    await db.schema.alterTable('pet').renameColumn('species', 'kind').execute();
    answers.push(await read());
    await db.schema.dropTable('pet').execute();
    await db.schema.createTable('pet').addColumn('id', 'integer').execute();
    answers.push(await read());
    return answers;
  },

  async 'a stream gives each row, by chunks of any size'(db) {
    const query = db.selectFrom('person').selectAll().orderBy('id');
    const answers: unknown[] = [];
    for (const size of [1, 2, 100]) answers.push(await collect(query.stream(size)));
    answers.push(await collect(query.where('id', '<', 0).stream()));
    return answers;
  },

  async 'a stream may be left, and again and again'(db) {
    const seen: unknown[] = [];
    for (let run = 0; run < 12; run += 1) {
      const stream = db.selectFrom('person').select('id').orderBy('id').stream(1);
      for await (const row of stream) {
        seen.push(row);
        break;
      }
      seen.push(await stream.next());
    }
    return [seen, await countPersons(db)];
  },

  async 'a stream sees its own transaction'(db) {
    return db.transaction().execute(async (tx) => {
      await tx.updateTable('person').set({ children: 9 }).where('id', '=', 1).execute();
      return collect(tx.selectFrom('person').selectAll().orderBy('id').stream(2));
    });
  },

  async 'a stream fails where its query does'(db, { describe }) {
    const errors: unknown[] = [];
    for (let run = 0; run < 12; run += 1) {
      const broken = db.selectFrom('person').select(sql`no_such_column`.as('gone'));
      errors.push(describe(await rejectionOf(broken.stream().next())));
    }
    return errors;
  },

  async 'a transaction commits, or rolls back what its work throws'(db, { logged }) {
    const id = await db
      .transaction()
      .execute(async (tx) => (await tx.insertInto('person').values(jennifer).returning('id').execute())[0]);
    const reason = new Error('mine');
    const failed = await rejectionOf(
      db.transaction().execute(async (tx) => {
        await tx.deleteFrom('pet').execute();
        throw reason;
      }),
    );
    return [id, failed === reason, await db.selectFrom('pet').selectAll().execute(), textsOf(logged)];
  },

  async 'a controlled transaction with savepoints'(db, { logged }) {
    const tx = await db.startTransaction().execute();
    await tx.insertInto('person').values(jennifer).execute();
    const inner = await tx.savepoint('foo').execute();
    await inner.deleteFrom('pet').execute();
    await inner.rollbackToSavepoint('foo').execute();
    const last = await tx.savepoint('odd "name"').execute();
    await last.insertInto('person').values(arnold).execute();
    await last.releaseSavepoint('odd "name"').execute();
    await tx.commit().execute();
    const undone = await db.startTransaction().execute();
    await undone.deleteFrom('person').execute();
    await undone.rollback().execute();
    return [
      await db.selectFrom('person').select('first_name').orderBy('id').execute(),
      await db.selectFrom('pet').select('name').orderBy('id').execute(),
      textsOf(logged),
      [tx.isCommitted, tx.isRolledBack, undone.isCommitted, undone.isRolledBack],
    ];
  },

  async 'a transaction that is over runs nothing more'(db, { describe }) {
    const committed = await db.startTransaction().execute();
    await committed.insertInto('person').values(jennifer).execute();
    await committed.commit().execute();
    const undone = await db.startTransaction().execute();
    await undone.insertInto('person').values(jennifer).execute();
    await undone.rollback().execute();
    const errors = [];
    for (const tx of [committed, undone]) {
      errors.push(describe(await rejectionOf(tx.insertInto('person').values(arnold).execute())));
      errors.push(describe(await rejectionOf(tx.commit().execute())));
    }
    return [errors, await countPersons(db)];
  },

  async 'transactions on one connection'(db) {
    await db.connection().execute(async (connection) => {
      const first = await connection.startTransaction().execute();
      await first.insertInto('person').values(jennifer).execute();
      await first.commit().execute();
      await connection.insertInto('person').values(arnold).execute();
      const second = await connection.startTransaction().execute();
      await second.insertInto('person').values(sylvester).execute();
      await second.rollback().execute();
      await connection.insertInto('person').values(arnold).execute();
      await connection.transaction().execute((tx) => tx.insertInto('person').values(jennifer).execute());
    });
    return db.selectFrom('person').selectAll().orderBy('id').execute();
  },

  async 'transactions spelled out on one connection'(db) {
    return db.connection().execute(async (connection) => {
      const run = async (text: string) => (await connection.executeQuery(CompiledQuery.raw(text))).rows;
      const answers = [await run('begin')];
      await connection.deleteFrom('pet').execute();
      answers.push(await run('rollback'), await run('begin'));
      await connection.insertInto('person').values(jennifer).execute();
      answers.push(await run('savepoint here'), await run('rollback to here'), await run('commit'));
      return [
        answers,
        await countPersons(connection),
        await connection.selectFrom('pet').select('id').execute(),
      ];
    });
  },

  async 'a hundred transactions side by side'(db) {
    const work = Array.from({ length: 100 }, (_, index) => ({ id: 1000 + index, fails: index % 3 === 0 }));
    const outcomes = await Promise.allSettled(
      work.map(({ id, fails }) =>
        db.transaction().execute(async (tx) => {
          await tx
            .insertInto('person')
            .values({ ...jennifer, id })
            .execute();
          await tx
            .insertInto('pet')
            .values({ name: `Pet of ${id}`, owner_id: id, species: 'cat' })
            .execute();
          if (fails) throw new Error('undo');
        }),
      ),
    );
    return [
      outcomes.map(({ status }) => status),
      await db.selectFrom('pet').select('owner_id').orderBy('owner_id').execute(),
    ];
  },

  async 'two hundred queries at once'(db) {
    const answers = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        if (index % 4 === 0) {
          return db
            .insertInto('person')
            .values({ ...jennifer, id: 500 + index })
            .executeTakeFirst();
        }
        return db
          .selectFrom('person')
          .select('first_name')
          .where('id', '=', (index % 3) + 1)
          .execute();
      }),
    );
    return [answers.filter((_, index) => index % 4 !== 0), await countPersons(db)];
  },

  async 'an error is the one of the driver, and names its caller'(db, { describe }) {
    async function thisCaller(work: () => Promise<unknown>): Promise<unknown> {
      await work();
      return undefined;
    }
    const queries: (() => Promise<unknown>)[] = [
      () => db.insertInto('pet').values({ name: 'Pet 0', owner_id: 1, species: 'x' }).execute(),
      () =>
        db
          .insertInto('person')
          .values({ ...jennifer, id: 1 })
          .execute(),
      () => db.insertInto('pet').values({ name: 'x', owner_id: -5, species: 'x' }).execute(),
      () =>
        db
          .insertInto('person')
          .values({ ...jennifer, gender: sql<string>`null` })
          .execute(),
      () => db.updateTable('person').set({ children: -1 }).execute(),
      () =>
        db
          .selectFrom('person')
          .select(sql`no_such_column`.as('gone'))
          .execute(),
      () =>
        db
          .deleteFrom('person')
          .where(sql`no_such_column`, '=', 1)
          .execute(),
      () =>
        db
          .selectFrom('nothing' as 'person')
          .selectAll()
          .execute(),
      () => sql`selec 1`.execute(db),
      () => db.schema.createTable('person').addColumn('id', 'integer').execute(),
      () => sql`select no_such_function()`.execute(db),
      () =>
        db.transaction().execute((tx) =>
          tx
            .selectFrom('person')
            .where('id', 'in', -1 as never)
            .execute(),
        ),
      () => db.connection().execute((one) => sql`select * from nothing`.execute(one)),
    ];
    const errors = [];
    for (const query of queries) {
      const error = await rejectionOf(thisCaller(query));
      const { stack = '' } = error as Error;
      errors.push([
        describe(error),
        stack.includes('thisCaller'),
        stack.split('\n').at(-1)?.includes('dialect-'),
      ]);
    }
    return errors;
  },

  async 'what is logged of queries, streams and errors'(db, { logged, describe }) {
    await db.selectFrom('person').selectAll().where('id', '=', 1).execute();
    await collect(db.selectFrom('pet').select('id').stream(2));
    const error = await rejectionOf(sql`select * from nothing`.execute(db));
    await rejectionOf(
      db
        .selectFrom('pet')
        .select(sql`no_such_column`.as('gone'))
        .stream()
        .next(),
    );
    return [
      textsOf(logged),
      logged.map((event) => event.level === 'query' && event.isStream),
      logged.every(({ queryDurationMillis }) => queryDurationMillis >= 0),
      logged.flatMap((event) => (event.level === 'error' ? [describe(event.error)] : [])),
      logged.some((event) => event.level === 'error' && event.error === error),
    ];
  },

  async 'a query that was aborted before it began'(db) {
    const reason = new Error('mine');
    const signal = AbortSignal.abort(reason);
    const query = db.selectFrom('person').selectAll();
    return [
      timingOf(await rejectionOf(query.execute({ signal }))),
      timingOf(await rejectionOf(query.executeTakeFirst({ signal }))),
      timingOf(await rejectionOf(db.insertInto('person').values(jennifer).execute({ signal }))),
      timingOf(await rejectionOf(query.stream({ chunkSize: 1, signal }).next())),
      timingOf(await rejectionOf(sql`select 1`.execute(db, { signal }))),
      await countPersons(db),
      await query.executeTakeFirst({ signal: new AbortController().signal }),
    ];
  },

  async 'a query that is aborted while its result is transformed'(db) {
    const reason = new Error('mine');
    const abortBy = (controller: AbortController): KyselyPlugin => ({
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        controller.abort(reason);
        return result;
      },
    });
    const [first, second] = [new AbortController(), new AbortController()];
    const query = db.selectFrom('person').selectAll();
    return [
      timingOf(
        await rejectionOf(query.withPlugin(abortBy(first)).executeTakeFirst({ signal: first.signal })),
      ),
      timingOf(
        await rejectionOf(
          query.withPlugin(abortBy(second)).stream({ chunkSize: 1, signal: second.signal }).next(),
        ),
      ),
      await countPersons(db),
    ];
  },

  async 'a stream that is aborted on its way'(db) {
    const errors: unknown[] = [];
    for (let run = 0; run < 12; run += 1) {
      const controller = new AbortController();
      const stream = db
        .selectFrom('person')
        .selectAll()
        .orderBy('id')
        .stream({ chunkSize: 1, signal: controller.signal });
      errors.push(await stream.next());
      controller.abort(new Error('mine'));
      errors.push(timingOf(await rejectionOf(stream.next())));
    }
    return [errors, await countPersons(db)];
  },

  async 'a way to abort that the dialect does not have'(db, { describe }) {
    const { signal } = new AbortController();
    const errors = [];
    for (const inflightQueryAbortStrategy of ['cancel query', 'kill session', 'ignore query'] as const) {
      errors.push(
        await db
          .selectFrom('person')
          .selectAll()
          .execute({ signal, inflightQueryAbortStrategy })
          .catch((error: unknown) => describe(error)),
      );
    }
    return errors;
  },

  async 'an abort of one of many leaves the others'(db) {
    const controller = new AbortController();
    const queries = Array.from({ length: 60 }, (_, index) =>
      db
        .selectFrom('person')
        .select('id')
        .where('id', '=', 1)
        .execute(index % 2 === 0 ? { signal: controller.signal } : {}),
    );
    controller.abort(new Error('mine'));
    const outcomes = await Promise.allSettled(queries);
    const others = outcomes.filter((_, index) => index % 2 === 1);
    await until(async () => (await db.selectFrom('pet').select('id').execute()).length === 3);
    return others;
  },

  async 'what the tables look like'(db) {
    await db.schema.createView('pet_names').as(db.selectFrom('pet').select('name')).execute();
    const all = await db.introspection.getTables({ withInternalKyselyTables: true });
    // Kysely asks for the schemas in no order, and the server gives them in none.
    const schemas = (await db.introspection.getSchemas()).map(({ name }) => name).sort();
    return [all, await db.introspection.getTables(), schemas];
  },

  async plugins(db) {
    const camel = db.withPlugin(new CamelCasePlugin()) as unknown as Kysely<any>;
    return [
      await camel.selectFrom('person').select(['firstName', 'lastName']).orderBy('id').execute(),
      await camel.insertInto('person').values({ firstName: 'x', gender: 'y' }).returningAll().execute(),
      await collect(camel.selectFrom('person').select('firstName').orderBy('id').stream(2)),
      await db
        .withPlugin(new ParseJSONResultsPlugin())
        .selectFrom('person')
        .select(sql<string>`'{"a":[1,2]}'`.as('doc'))
        .executeTakeFirst(),
    ];
  },

  async 'migrations up and down'(db) {
    const first = await makeMigrator(db, ['a', 'b']).migrateToLatest();
    const all = makeMigrator(db, ['a', 'b', 'c']);
    const second = await all.migrateToLatest();
    const names = await namesOfTables(db);
    const listed = (await all.getMigrations()).map(({ name, executedAt }) => [
      name,
      executedAt instanceof Date,
    ]);
    const down = await all.migrateDown();
    const none = await all.migrateTo(NO_MIGRATIONS);
    return [first, second, names, listed, down, none, await namesOfTables(db)];
  },

  async 'migrations that do not fit or fail'(db, { describe }) {
    await makeMigrator(db, ['a', 'c']).migrateToLatest();
    const results = [];
    for (const names of [['a', 'b', 'c'], ['a'], ['a', 'c', 'd', 'e!', 'f']]) {
      const { error, results: steps } = await makeMigrator(db, names).migrateToLatest();
      results.push([describe(error), steps]);
    }
    return [results, await namesOfTables(db)];
  },

  async 'migrations by many at once'(db) {
    const runs = Array.from({ length: 30 }, () => makeMigrator(db, ['a', 'b']).migrateToLatest());
    const outcomes = await Promise.all(runs);
    return [
      outcomes.filter(({ error }) => error !== undefined).length,
      outcomes.flatMap(({ results = [] }) => results).length,
      await namesOfTables(db),
    ];
  },

  async 'a Kysely that was destroyed'(db, { describe }) {
    await db.destroy();
    await db.destroy();
    return [
      describe(await rejectionOf(db.selectFrom('person').selectAll().execute())),
      describe(await rejectionOf(db.transaction().execute(async () => {}))),
    ];
  },
};

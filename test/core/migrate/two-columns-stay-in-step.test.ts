import { expect } from 'chai';
import fc from 'fast-check';
import { sql, type Kysely } from 'kysely';
import {
  NotNullViolationError,
  QueryError,
  ValidationError,
  type DatabaseProvider,
} from '../../../src/core/index.ts';
import { backfill, type ColumnExpansion, type NewColumnExpansion } from '../../../src/core/migrate/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { openUntyped } from './sample-history.ts';

type Value = string | number | null;

/** One row as both programs see it. */
interface Row {
  readonly old: Value;
  readonly new: Value;
}

interface Conversion {
  readonly expansion: Omit<NewColumnExpansion, 'table'>;
  readonly type: string;
  readonly forward: (value: Value) => Value;
  readonly backward: (value: Value) => Value;
  readonly oldValues: fc.Arbitrary<Value>;
  readonly newValues: fc.Arbitrary<Value>;
}

const texts = fc.constantFrom<Value>('a', 'A', 'b', '', ' ', 'ä', null);

const conversions: Record<string, Conversion> = {
  'a rename': {
    expansion: { from: 'name', to: 'full_name', column: (c) => c.text() },
    type: 'text',
    forward: (value) => value,
    backward: (value) => value,
    oldValues: texts,
    newValues: texts,
  },
  'a change to a finer type': {
    expansion: {
      from: 'seconds',
      to: 'millis',
      column: (c) => c.epochMillis(),
      forward: (seconds) => sql`${seconds} * 1000`,
      backward: (millis) => sql`${millis} / 1000`,
    },
    type: 'bigint',
    forward: (value) => (value === null ? null : Number(value) * 1_000),
    backward: (value) => (value === null ? null : Math.trunc(Number(value) / 1_000)),
    oldValues: fc.constantFrom<Value>(0, 1, 2, 3, null),
    newValues: fc.constantFrom<Value>(0, 1_000, 1_001, 1_999, 2_500, null),
  },
  'a change to a coarser type': {
    expansion: {
      from: 'code',
      to: 'number',
      column: (c) => c.integer(),
      forward: (code) => sql`cast(${code} as integer)`,
      backward: (number) => sql`cast(${number} as text)`,
    },
    type: 'text',
    forward: (value) => (value === null ? null : Number(value)),
    backward: (value) => (value === null ? null : String(value)),
    oldValues: fc.constantFrom<Value>('7', '07', '007', '8', '-1', null),
    newValues: fc.constantFrom<Value>(7, 8, -1, null),
  },
};

describeOnEachDatabase('two columns of an expansion', (database) => {
  let provider: DatabaseProvider<any>;
  let tables = 0;

  before(async () => {
    provider = openUntyped(await database.freshUrl());
  });

  after(() => provider.close());

  const migrate = (work: (tx: Kysely<any>) => Promise<void>) => provider.transaction(work);
  const t = () => provider.migrations.columns;

  async function makeTable(columns: string, rows: readonly Value[] = [], end = ''): Promise<string> {
    tables += 1;
    const table = `things_${tables}`;
    await sql`create table ${sql.id(table)} (id integer primary key, ${sql.raw(columns)}, other integer default 0) ${sql.raw(end)}`.execute(
      provider.db,
    );
    for (const [id, value] of rows.entries())
      await sql`insert into ${sql.id(table)} values (${id}, ${value}, 0)`.execute(provider.db);
    return table;
  }

  for (const [title, { expansion, type, forward, backward, oldValues, newValues }] of Object.entries(
    conversions,
  )) {
    const { from, to } = expansion;
    const isInStep = (row: Row) => row.new === forward(row.old) || row.old === backward(row.new);
    const writeOld = (row: Row, old: Value): Row =>
      isInStep({ ...row, old }) ? { ...row, old } : { old, new: forward(old) };
    const writeNew = (row: Row, value: Value): Row =>
      isInStep({ ...row, new: value }) ? { ...row, new: value } : { old: backward(value), new: value };
    const insertNew = (value: Value): Row => ({ old: backward(value), new: value });

    it(`agree, whichever side writes: ${title}`, async function () {
      this.timeout(600_000);
      const step = fc.oneof(
        fc.record({ act: fc.constantFrom('update', 'upsert'), side: fc.constant('old'), value: oldValues }),
        fc.record({ act: fc.constantFrom('update', 'upsert'), side: fc.constant('new'), value: newValues }),
        fc.record({
          act: fc.constant('other'),
          side: fc.constantFrom('old', 'new'),
          value: fc.constant(null),
        }),
        fc.record({ act: fc.constant('insert'), side: fc.constant('old'), value: oldValues }),
        fc.record({ act: fc.constant('insert'), side: fc.constant('new'), value: newValues }),
      );
      const steps = fc.array(fc.tuple(fc.nat({ max: 3 }), step), { minLength: 1, maxLength: 12 });
      await fc.assert(
        fc.asyncProperty(fc.array(oldValues, { minLength: 1, maxLength: 4 }), steps, async (rows, writes) => {
          const table = await makeTable(`${from} ${type}`, rows);
          await migrate((tx) => t().expandColumn(tx, { table, ...expansion }));
          const model: Row[] = rows.map((old) => ({ old, new: null }));
          for (const [pick, { act, side, value }] of writes) {
            const id = act === 'insert' ? model.length : pick % model.length;
            const column = side === 'old' ? from : to;
            const before = model[id];
            const write = side === 'old' ? writeOld : writeNew;
            if (act === 'insert') {
              await provider.db
                .insertInto(table)
                .values({ id, [column]: value })
                .execute();
              model.push(side === 'old' ? { old: value, new: forward(value) } : insertNew(value));
            } else if (act === 'other') {
              await provider.db.updateTable(table).set({ other: 1 }).where('id', '=', id).execute();
            } else if (act === 'update') {
              await provider.db
                .updateTable(table)
                .set({ [column]: value })
                .where('id', '=', id)
                .execute();
              model[id] = write(before as Row, value);
            } else {
              await provider.db
                .insertInto(table)
                .values({ id, [column]: value })
                .onConflict((on) =>
                  on.column('id').doUpdateSet((eb) => ({ [column]: eb.ref(`excluded.${column}`) })),
                )
                .execute();
              model[id] = write(before as Row, value);
            }
          }
          expect(await readRows(table), 'behind the writes').to.deep.equal(model);
          await backfill(provider, {
            name: table,
            table,
            key: 'id',
            set: { [to]: (expansion.forward ?? ((column) => column))(sql.id(from)) },
            where: sql`${sql.id(to)} is null`,
            batchSize: 3,
          });
          const filled = model.map((row) => (row.new === null ? { ...row, new: forward(row.old) } : row));
          expect(await readRows(table), 'behind the backfill').to.deep.equal(filled);
          await migrate((tx) => t().contractColumn(tx, { table, ...expansion }));
          const left = await provider.db.selectFrom(table).selectAll().orderBy('id').execute();
          expect(left.map((row) => row[to])).to.deep.equal(filled.map((row) => row.new));
          expect(Object.keys(left[0] as object).sort()).to.deep.equal(['id', to, 'other'].sort());
        }),
        { numRuns: soakCount(300) },
      );

      async function readRows(table: string): Promise<Row[]> {
        const { rows } = await sql<Row>`select ${sql.id(from)} as old, ${sql.id(to)} as new
          from ${sql.id(table)} order by id`.execute(provider.db);
        return rows.map((row) => ({ ...row }));
      }
    });
  }

  const rename: Omit<ColumnExpansion, 'table'> = { from: 'name', to: 'full_name' };
  const expand = (table: string): Promise<void> =>
    migrate((tx) => t().expandColumn(tx, { table, ...rename, column: (c) => c.text() }));
  const read = async (table: string) =>
    (await sql`select name, full_name from ${sql.id(table)} order by id`.execute(provider.db)).rows;

  it('let the new one decide where a statement changes both', async () => {
    const table = await makeTable('name text', ['a']);
    await expand(table);
    await provider.db.updateTable(table).set({ name: 'x', full_name: 'y' }).execute();
    await provider.db.insertInto(table).values({ id: 9, name: 'x', full_name: 'z' }).execute();
    expect(await read(table)).to.deep.equal([
      { name: 'y', full_name: 'y' },
      { name: 'z', full_name: 'z' },
    ]);
    await provider.db.updateTable(table).set({ name: 'x', full_name: 'y' }).where('id', '=', 0).execute();
    expect((await read(table))[0]).to.deep.equal({ name: 'x', full_name: 'x' });
  });

  it('need only the new one where the old one is NOT NULL, and refuse NULL from either side', async () => {
    const table = await makeTable('name text not null', ['a', 'b']);
    await expand(table);
    await provider.db.insertInto(table).values({ id: 9, full_name: 'c' }).execute();
    const refused = (error: unknown): boolean =>
      error instanceof NotNullViolationError || error instanceof QueryError;
    for (const column of ['name', 'full_name']) {
      const values = { [column]: null };
      const update = provider.db.updateTable(table).set(values).execute();
      expect(await rejectionOf(update)).to.satisfy(refused);
      const insert = provider.db
        .insertInto(table)
        .values({ id: 10, ...values })
        .execute();
      expect(await rejectionOf(insert)).to.satisfy(refused);
    }
    await migrate((tx) => t().abandonExpansion(tx, { table, ...rename }));
    expect(await rejectionOf(provider.db.insertInto(table).values({ id: 10 }).execute())).to.be.instanceOf(
      NotNullViolationError,
    );
    const rows = await provider.db.selectFrom(table).selectAll().orderBy('id').execute();
    expect(rows.map(({ name }) => name)).to.deep.equal(['a', 'b', 'c']);
    expect(rows[0]).not.to.have.property('full_name');
    await expand(table);
  });

  it('see what the triggers of the application made of a row', async () => {
    const table = await makeTable('name text', ['a']);
    await expand(table);
    if (database.name === 'postgres') {
      await sql`create function lower_name() returns trigger language plpgsql as
        'begin new.name := lower(new.name); return new; end'`.execute(provider.db);
      await sql`create trigger lower_name before insert or update on ${sql.id(table)}
        for each row execute function lower_name()`.execute(provider.db);
    } else {
      await sql`create trigger lower_name after update of name on ${sql.id(table)} begin
        update ${sql.id(table)} set name = lower(name) where id = new.id; end`.execute(provider.db);
    }
    await provider.db.updateTable(table).set({ name: 'ABC' }).execute();
    expect(await read(table)).to.deep.equal([{ name: 'abc', full_name: 'abc' }]);
  });

  it('see what a trigger of the application made of one that the statement does not name', async () => {
    const table = await makeTable('name text, nick text', []);
    const name = sql.id(table);
    await sql`insert into ${name} (id, name) values (0, 'x'), (1, 'y')`.execute(provider.db);
    if (database.name === 'postgres') {
      await sql`create function take_nick() returns trigger language plpgsql as
        'begin new.name := new.nick; return new; end'`.execute(provider.db);
      await sql`create trigger take_nick before update of nick on ${name}
        for each row execute function take_nick()`.execute(provider.db);
    } else {
      await sql`create trigger take_nick after update of nick on ${name} begin
        update ${name} set name = new.nick where id = new.id; end`.execute(provider.db);
    }
    await expand(table);
    await provider.db.updateTable(table).set({ nick: 'a' }).where('id', '=', 0).execute();
    await provider.db.updateTable(table).set({ other: 1 }).execute();
    expect(await read(table)).to.deep.equal([
      { name: 'a', full_name: 'a' },
      { name: 'y', full_name: null },
    ]);
    await provider.db.updateTable(table).set({ full_name: 'b' }).execute();
    await provider.db.updateTable(table).set({ nick: 'c', other: 2 }).execute();
    expect(await read(table)).to.deep.equal([
      { name: 'c', full_name: 'c' },
      { name: 'c', full_name: 'c' },
    ]);
  });

  it('are refused where they cannot be kept, with every fault', async () => {
    const table = await makeTable('name text, full_name text');
    const refuse = async (expansion: Partial<NewColumnExpansion>): Promise<string> => {
      const whole = {
        table,
        from: 'name',
        to: 'title',
        column: (c) => c.text(),
        ...expansion,
      } as NewColumnExpansion;
      const error = await rejectionOf(migrate((tx) => t().expandColumn(tx, whole)));
      expect(error).to.be.instanceOf(ValidationError);
      return (error as ValidationError).issues.map(({ path }) => path.join('.')).join(' ');
    };
    expect(await refuse({ to: 'name', forward: (c) => sql`${c} || ${'x'}` })).to.equal('to forward');
    expect(await refuse({ table: 'nothing' })).to.equal('table');
    expect(await refuse({ from: 'nothing', to: 'full_name' })).to.equal('from to');
    expect(await refuse({ from: 'id' })).to.equal('from');
    expect(await refuse({ column: (c) => c.withDefault(c.text(), 'x') })).to.equal('column');
  });
});

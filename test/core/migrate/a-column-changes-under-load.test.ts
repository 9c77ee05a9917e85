import { expect } from 'chai';
import { sql } from 'kysely';
import type { DatabaseProvider } from '../../../src/core/index.ts';
import {
  backfill,
  Migrator,
  type NamedMigration,
  type NewColumnExpansion,
} from '../../../src/core/migrate/index.ts';
import { describeOnDatabase, type TestDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import { until } from '../../support/until.ts';
import { notesWith, openUntyped } from './sample-history.ts';

/** Writes of each writer in each phase. */
const writes = soakCount(500);
const writers = 3;
/** Rows that a writer owns at the start, and rows that all of them write. */
const ownRows = 500;
const sharedRows = 10;

interface Recipe {
  readonly expansion: NewColumnExpansion;
  readonly oldType: string;
  /** The value of a number, as each program writes it. */
  readonly oldValue: (n: number) => unknown;
  readonly newValue: (n: number) => unknown;
}

const recipes: Record<string, Recipe> = {
  'is renamed': {
    expansion: { table: 'users', from: 'name', to: 'full_name', column: (c) => c.text() },
    oldType: 'text',
    oldValue: (n) => `v${n}`,
    newValue: (n) => `v${n}`,
  },
  'changes its type': {
    expansion: {
      table: 'users',
      from: 'age_text',
      to: 'age',
      column: (c) => c.integer(),
      forward: (text) => sql`cast(${text} as bigint)`,
      backward: (age) => sql`cast(${age} as text)`,
    },
    oldType: 'text',
    oldValue: (n) => String(n),
    newValue: (n) => n,
  },
};

/** A program of one version: writes all the time to rows of its own, to shared ones and to new ones. */
class Program {
  readonly last = new Map<number, number>();
  readonly faults: unknown[] = [];
  readonly #provider: DatabaseProvider<any>;
  readonly #column: string;
  readonly #valueOf: (n: number) => unknown;
  #count = 0;
  #stopped = false;
  #running: Promise<void> | undefined;

  constructor(url: string, column: string, valueOf: (n: number) => unknown) {
    this.#provider = openUntyped({ url, lockTimeout: 20_000, pool: { max: 4 } });
    this.#column = column;
    this.#valueOf = valueOf;
  }

  get count(): number {
    return this.#count;
  }

  start(firstIds: readonly number[]): void {
    this.#running = Promise.all(firstIds.map((id, index) => this.#write(id, index))).then(() => undefined);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    await this.#provider.close();
  }

  async #write(firstId: number, seed: number): Promise<void> {
    let fresh = firstId + ownRows;
    for (let turn = seed; !this.#stopped; turn += 1) {
      try {
        const id = turn % 5 === 0 ? fresh : firstId + (turn % ownRows);
        const n = turn;
        if (turn % 5 === 0) {
          await this.#insert(id, n);
          fresh += 1;
        } else if (turn % 5 === 1) {
          await this.#updateTwo(id, turn % sharedRows, n);
        } else {
          await this.#update(id, n);
        }
        this.last.set(id, n);
        if ((await this.#read(id)) !== this.#valueOf(n))
          this.faults.push(`row ${id} was not what was written`);
        this.#count += 1;
      } catch (error) {
        this.faults.push(error);
        return;
      }
    }
  }

  #set(n: number): Record<string, unknown> {
    return { [this.#column]: this.#valueOf(n) };
  }

  async #insert(id: number, n: number): Promise<void> {
    await this.#provider.db
      .insertInto('users')
      .values({ id, ...this.#set(n) })
      .execute();
  }

  async #update(id: number, n: number): Promise<void> {
    await this.#provider.db.updateTable('users').set(this.#set(n)).where('id', '=', id).execute();
  }

  /** Shared rows come first, so that writers do not wait for each other in a circle. */
  async #updateTwo(id: number, shared: number, n: number): Promise<void> {
    await this.#provider.transaction(
      async (tx) => {
        for (const each of [shared, id])
          await tx.updateTable('users').set(this.#set(n)).where('id', '=', each).execute();
      },
      { retry: true },
    );
  }

  async #read(id: number): Promise<unknown> {
    const row = await this.#provider.db
      .selectFrom('users')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    return row?.[this.#column];
  }
}

for (const name of ['sqlite-file', 'postgres'] as const) {
  for (const [title, recipe] of Object.entries(recipes)) {
    describeOnDatabase(name, `a column that ${title}`, (database) => {
      it('loses no write and fails none, while old and new programs write all the time', async function () {
        this.timeout(1_800_000);
        const { total, faults, wrong } = await run(database, recipe);
        expect(faults).to.deep.equal([]);
        expect(wrong).to.deep.equal([]);
        console.log(`  ${total} writes of ${2 * writers} writers, 0 failed, 0 lost`);
      });
    });
  }
}

async function run(database: TestDatabase, { expansion, oldType, oldValue, newValue }: Recipe) {
  const { from, to, table, column: _column, ...conversions } = expansion;
  const url = await database.freshUrl();
  await using provider = openUntyped({ url, lockTimeout: 20_000 });
  const idsOf = (program: number) =>
    Array.from({ length: writers }, (_, index) => (1 + program * writers + index) * 1_000_000);
  await sql`create table users (id integer primary key, ${sql.id(from)} ${sql.raw(oldType)} not null)`.execute(
    provider.db,
  );
  for (const first of [0, ...idsOf(0), ...idsOf(1)]) {
    await sql`insert into users with recursive counter(n) as
      (select 0 union all select n + 1 from counter where n < ${sql.lit(ownRows - 1)})
      select n + ${sql.lit(first)}, ${sql.lit(String(oldValue(7)))} from counter`.execute(provider.db);
  }
  const expand: NamedMigration = {
    name: '0001-expand',
    up: (db, t) => t.expandColumn(db, expansion),
    down: (db, t) => t.abandonExpansion(db, expansion),
  };
  const contract: NamedMigration = {
    name: '0002-contract',
    transaction: false,
    destructive: 'The new column has everything that the old one said.',
    irreversible: 'The old column is gone.',
    up: (db, t) => t.contractColumn(db, { table, from, to, ...conversions, notNull: true }),
  };
  const oldProgram = new Program(url, from, oldValue);
  const newProgram = new Program(url, to, newValue);
  await using running = new AsyncDisposableStack();
  for (const program of [oldProgram, newProgram]) running.defer(() => program.stop());
  const workOn = async (...programs: Program[]): Promise<void> => {
    const goals = programs.map((program) => program.count + writes * writers);
    await until(
      () => programs.every((program, index) => program.faults.length > 0 || program.count >= goals[index]!),
      600_000,
    );
  };

  oldProgram.start(idsOf(0));
  await workOn(oldProgram);
  await new Migrator(provider, notesWith(expand)).latest();
  newProgram.start(idsOf(1));
  await workOn(oldProgram, newProgram);
  await backfill(provider, {
    name: 'users',
    table,
    key: 'id',
    set: { [to]: (expansion.forward ?? ((column) => column))(sql.id(from)) },
    where: sql`${sql.id(to)} is null`,
    batchSize: 50,
  });
  await workOn(oldProgram, newProgram);
  const disagreeing = await provider.query(
    `select id from users where ${expansion.forward === undefined ? from : `cast(${from} as bigint)`} <> ${to} or ${to} is null`,
  );
  await oldProgram.stop();
  await new Migrator(provider, notesWith(expand, contract)).latest();
  await workOn(newProgram);
  await newProgram.stop();

  const rows = await provider.query<Record<string, unknown>>(`select * from users`);
  const values = new Map(rows.map((row) => [row['id'], row[to]]));
  const wrong: unknown[] = [...disagreeing];
  for (const [id, n] of [...oldProgram.last, ...newProgram.last])
    if (values.get(id) !== newValue(n)) wrong.push({ id, expected: newValue(n), found: values.get(id) });
  for (const row of rows) if (row[to] === null || from in row) wrong.push(row);
  return {
    total: oldProgram.count + newProgram.count,
    faults: [...oldProgram.faults, ...newProgram.faults],
    wrong,
  };
}

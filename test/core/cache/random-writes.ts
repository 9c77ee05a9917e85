/** Random statements that write to the tables of the family, and random ways to send them. */
import { sql, type CompiledQuery, type Kysely } from 'kysely';
import { integerBetween, type Random } from '../../support/seeded-random.ts';
import type { FamilyProvider, FamilyTables } from './family-tables.ts';

type Db = Kysely<FamilyTables>;

/** Few, so that statements meet each other's rows. */
const keys = 4;

function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[integerBetween(random, 0, items.length)] as Item;
}

/** A statement that writes, whatever becomes of it. */
export function randomWrite(random: Random, { db, type }: FamilyProvider): CompiledQuery {
  const id = () => integerBetween(random, 1, keys + 1);
  const word = () => pick(random, ['a', 'b', 'c', 'd', 'e', 'f', 'g']);
  // Some break their rule, and take with them what is around.
  const text = () => (random() < 0.05 ? 'refused' : word());
  const own: readonly (() => { compile(db: Db): CompiledQuery })[] =
    type === 'sqlite'
      ? [
          () => sql`replace into people (id, name) values (${id()}, ${word()})`,
          () => sql`insert or replace into rooms (id, owner, title) values (${id()}, ${id()}, ${word()})`,
          () => sql`insert or ignore into notes (id, room, text) values (${id()}, ${id()}, ${text()})`,
          () => sql`update or replace people set name = ${word()} where id = ${id()}`,
          () =>
            sql`insert or fail into notes (id, room, text) values (${id()}, ${id()}, 'x'), (${id()}, ${id()}, 'refused')`,
          () => sql`update [rooms] set "title" = ${word()} where (id = ${String(id())})`,
        ]
      : [
          () => sql`with gone as (delete from notes where room = ${id()} returning room)
            update rooms set title = 'emptied' where id in (select room from gone)`,
          () => sql`with made as (insert into people (id, name) values (${id()}, ${word()})
            on conflict do nothing returning id) select * from made`,
          () => sql`merge into rooms using (values (${sql.lit(id())}, ${sql.lit(id())})) as v (id, owner)
            on rooms.id = v.id when matched then update set title = 'merged'
            when not matched then insert (id, owner, title) values (v.id, v.owner, 'new')`,
          () => sql`update only rooms as r set title = ${word()} where r.id = ${id()}`,
          () => sql`delete from rooms using people where owner = people.id and people.name = ${word()}`,
        ];
  const common: readonly (() => { compile(db: Db): CompiledQuery })[] = [
    () => bound(db.insertInto('people').values({ id: id(), name: word() })),
    () =>
      bound(
        db.insertInto('people').values([
          { id: id(), name: word() },
          { id: id(), name: word() },
        ]),
      ),
    () =>
      bound(
        db
          .insertInto('people')
          .values({ id: id(), name: word() })
          .onConflict((conflict) => conflict.column('id').doUpdateSet({ name: word() })),
      ),
    () =>
      bound(
        db
          .insertInto('people')
          .values({ id: id(), name: word() })
          .onConflict((conflict) => conflict.column('name').doUpdateSet({ name: word() })),
      ),
    () =>
      bound(
        db
          .insertInto('people')
          .values({ id: id(), name: word() })
          .onConflict((c) => c.doNothing()),
      ),
    () => bound(db.updateTable('people').set({ name: word() }).where('id', '=', id())),
    () => bound(db.updateTable('people').set({ id: id() }).where('name', '=', word())),
    () => bound(db.deleteFrom('people').where('id', '=', id())),
    () =>
      bound(
        db
          .insertInto('rooms')
          .values({ id: id(), owner: id(), title: word() })
          .onConflict((c) => c.column('id').doUpdateSet({ title: word() })),
      ),
    () => bound(db.updateTable('rooms').set({ owner: id() }).where('id', '=', id())),
    () => bound(db.updateTable('rooms').set({ id: id() }).where('id', '=', id())),
    () =>
      bound(db.updateTable('rooms').set({ title: word() }).where('id', '=', id()).where('owner', '=', id())),
    () => bound(db.deleteFrom('rooms').where((eb) => eb.or([eb('id', '=', id()), eb('owner', '=', id())]))),
    () => bound(db.insertInto('notes').values({ id: id(), room: id(), text: text() })),
    () => bound(db.insertInto('notes').values({ id: id(), room: id(), text: text(), answer_to: id() })),
    () =>
      bound(db.updateTable('notes').set({ text: text() }).where('id', '=', id()).where('room', '=', id())),
    () => bound(db.deleteFrom('notes').where('id', '=', id())),
    () => bound(db.deleteFrom('notes').where('room', '=', id())),
    () => bound(db.insertInto('seats').values({ row: id(), place: id(), taken_by: id() })),
    () =>
      bound(
        db.updateTable('seats').set({ taken_by: null }).where('place', '=', id()).where('row', '=', id()),
      ),
    () => bound(db.deleteFrom('seats').where('row', '=', id())),
    () => sql`insert into notes (id, room, text) select id + 1, room, 'copied' from notes where id = ${id()}`,
    () => sql`/* a -- note */ UPDATE "notes" SET "text" = ${word()} WHERE "id" = ${id()} AND (1 = 1)`,
    () => sql`delete from notes where ${id()} = id`,
    () => sql`update notes set text = ${word()} where id = ${id()} or room = ${id()}`,
  ];
  return pick(random, random() < 0.2 ? own : common)().compile(db);
}

function bound(builder: { compile(): CompiledQuery }): { compile(db: Db): CompiledQuery } {
  return { compile: () => builder.compile() };
}

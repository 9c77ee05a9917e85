import fc from 'fast-check';
import type { Kysely } from 'kysely';
import { defineMigrationSet, type ColumnKinds, type MigrationSet } from '../../../src/core/migrate/index.ts';
import type { Provider } from './copy-scene.ts';

const kinds = [
  'text',
  'integer',
  'real',
  'blob',
  'json',
  'epochMillis',
  'uuid',
  'counter',
  'enumText',
] as const;
type Kind = (typeof kinds)[number];

/** A table by what it has, without names: those are by its place. */
export interface RandomTable {
  readonly key: 'uuid' | 'integer' | 'pair';
  readonly columns: readonly { readonly kind: Kind; readonly nullable: boolean }[];
  /** Places of the tables that it refers to, itself and later ones among them. */
  readonly references: readonly number[];
  readonly rows: readonly (readonly unknown[])[];
}

const json = fc.jsonValue({ stringUnit: 'grapheme' }).map((value) => JSON.stringify(value, withoutNul));

function withoutNul(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.replaceAll('\0', '') : value;
}

const text = fc
  .oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('', '\\N', '\\.', '\t', '\n\r', "'", '\u2028', '\uFFFD', '\\x00', 'a\\tb', '\v\f\b'),
  )
  .map((value) => value.replaceAll('\0', ''));

const values: Readonly<Record<Kind, fc.Arbitrary<unknown>>> = {
  text,
  integer: fc.maxSafeInteger(),
  real: fc.oneof(fc.double({ noNaN: true }), fc.constantFrom(0.1, 1e21, 5e-324, Number.MAX_VALUE, -0)),
  blob: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
  json: json.filter((value) => !value.includes('\\u0000')),
  epochMillis: fc.maxSafeInteger(),
  uuid: fc.uuid(),
  counter: fc.integer({ min: 0, max: 2_147_483_647 }),
  enumText: fc.constantFrom('on', "o'ff"),
};

const column = fc.record({ kind: fc.constantFrom(...kinds), nullable: fc.boolean() });

/** Schemas of a few tables, whose references may go round, and their rows. */
export const randomTables: fc.Arbitrary<readonly RandomTable[]> = fc
  .array(
    fc
      .record({
        key: fc.constantFrom('uuid', 'integer', 'pair'),
        columns: fc.array(column, { minLength: 1, maxLength: 6 }),
        references: fc.uniqueArray(fc.nat({ max: 3 }), { maxLength: 2 }),
      })
      .chain((table) =>
        fc.record({
          ...Object.fromEntries(Object.entries(table).map(([name, value]) => [name, fc.constant(value)])),
          rows: fc.array(
            fc.tuple(
              ...table.columns.map(({ kind, nullable }) =>
                nullable ? fc.option(values[kind], { freq: 4 }) : values[kind],
              ),
            ),
            { maxLength: 8 },
          ),
        }),
      ),
    { minLength: 1, maxLength: 4 },
  )
  .map((tables) => tables as unknown as readonly RandomTable[]);

const keyNames = { uuid: ['id'], integer: ['id'], pair: ['a', 'b'] } as const;

/** The migrations of a schema. References are added once all tables are there. */
export function migrationsOf(tables: readonly RandomTable[]): MigrationSet {
  return defineMigrationSet({
    name: 'random',
    migrations: [
      {
        name: '0001-random',
        async up(db, t) {
          for (const [place, { key, columns }] of tables.entries()) {
            await t.createTable(
              db,
              `t${place}`,
              (c) => ({
                ...(key === 'uuid' ? { id: c.id() } : {}),
                ...(key === 'integer' ? { id: c.integer() } : {}),
                ...(key === 'pair' ? { a: c.integer(), b: c.text() } : {}),
                ...Object.fromEntries(
                  columns.map(({ kind, nullable }, index) => {
                    const made = makeColumn(c, kind);
                    return [`c${index}`, nullable ? c.nullable(made) : made];
                  }),
                ),
              }),
              key === 'uuid' ? {} : { primaryKey: keyNames[key] },
            );
          }
          for (const { name, parent, key } of referencesOf(tables)) {
            await t.addColumn(db, name.table, name.column, (c) =>
              c.nullable(c.references(parent, key === 'uuid' ? {} : { type: c.integer() })),
            );
          }
        },
        async down() {},
      },
    ],
  });
}

function makeColumn(c: ColumnKinds, kind: Kind) {
  if (kind === 'counter') return c.counter(0);
  return kind === 'enumText' ? c.enumText(['on', "o'ff"]) : c[kind]();
}

/** Those to tables that are there, and that have a key of one column. */
function referencesOf(tables: readonly RandomTable[]) {
  return tables.flatMap(({ references }, place) =>
    references.flatMap((to) => {
      const key = tables[to]?.key;
      return key === undefined || key === 'pair'
        ? []
        : [{ name: { table: `t${place}`, column: `r${to}` }, parent: `t${to}`, key }];
    }),
  );
}

/** Fills the tables; each row refers to one that is there, some to themselves. */
export async function fillRandom(provider: Provider, tables: readonly RandomTable[]): Promise<number> {
  const db = provider.db as unknown as Kysely<Record<string, Record<string, unknown>>>;
  let count = 0;
  for (const [place, { key, columns, rows }] of tables.entries()) {
    for (const [index, row] of rows.entries()) {
      const cells = columns.map((_, at) => [`c${at}`, row[at]]);
      const keys = {
        uuid: { id: idOf('uuid', index) },
        integer: { id: index },
        pair: { a: index % 3, b: `b${index}` },
      };
      await db
        .insertInto(`t${place}`)
        .values({ ...keys[key], ...(Object.fromEntries(cells) as object) })
        .execute();
      count += 1;
    }
  }
  for (const { name, parent, key } of referencesOf(tables)) {
    const parents = tables[Number(parent.slice(1))]!.rows.length;
    if (parents === 0) continue;
    await db
      .updateTable(name.table)
      .set({ [name.column]: idOf(key, parents - 1) })
      .execute();
  }
  return count;
}

function idOf(key: 'uuid' | 'integer', index: number): string | number {
  return key === 'integer' ? index : `00000000-0000-7000-8000-${String(index).padStart(12, '0')}`;
}

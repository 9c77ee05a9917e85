/** The schema of the Chinook sample database: 11 tables, one that refers to itself, one with a key of two columns. */
import type { Kysely } from 'kysely';
import type { DatabaseProvider } from '../../../src/core/index.ts';
import {
  defineMigration,
  defineMigrationSet,
  type ColumnKinds,
  type PortableColumn,
} from '../../../src/core/migrate/index.ts';
import { integerBetween, seededRandom, type Random } from '../../support/seeded-random.ts';

const toInteger = (c: ColumnKinds, table: string): PortableColumn =>
  c.references(table, { column: `${table.replace(/s$/, '')}_id`, type: c.integer() });

export const chinookMigrations = defineMigrationSet({
  name: 'chinook',
  migrations: [
    {
      name: '0001-chinook',
      ...defineMigration({
        async up(db, t) {
          const named = (name: string) => (c: ColumnKinds) => ({
            [`${name}_id`]: c.integer(),
            name: c.nullable(c.text()),
          });
          for (const name of ['artist', 'genre', 'media_type', 'playlist']) {
            await t.createTable(db, `${name}s`, named(name), { primaryKey: [`${name}_id`] });
          }
          await t.createTable(
            db,
            'albums',
            (c) => ({ album_id: c.integer(), title: c.text(), artist_id: toInteger(c, 'artists') }),
            { primaryKey: ['album_id'] },
          );
          await t.createTable(
            db,
            'tracks',
            (c) => ({
              track_id: c.integer(),
              name: c.text(),
              album_id: c.nullable(toInteger(c, 'albums')),
              media_type_id: toInteger(c, 'media_types'),
              genre_id: c.nullable(toInteger(c, 'genres')),
              composer: c.nullable(c.text()),
              milliseconds: c.integer(),
              bytes: c.nullable(c.integer()),
              unit_price: c.real(),
            }),
            { primaryKey: ['track_id'] },
          );
          await t.createTable(
            db,
            'playlist_track',
            (c) => ({ playlist_id: toInteger(c, 'playlists'), track_id: toInteger(c, 'tracks') }),
            { primaryKey: ['playlist_id', 'track_id'] },
          );
          await t.createTable(
            db,
            'employees',
            (c) => ({
              employee_id: c.integer(),
              last_name: c.text(),
              first_name: c.text(),
              title: c.nullable(c.text()),
              reports_to: c.nullable(toInteger(c, 'employees')),
              birth_date: c.nullable(c.epochMillis()),
              email: c.nullable(c.text()),
            }),
            { primaryKey: ['employee_id'] },
          );
          await t.createTable(
            db,
            'customers',
            (c) => ({
              customer_id: c.integer(),
              first_name: c.text(),
              last_name: c.text(),
              country: c.nullable(c.text()),
              email: c.text(),
              support_rep_id: c.nullable(
                c.references('employees', { column: 'employee_id', type: c.integer() }),
              ),
            }),
            { primaryKey: ['customer_id'] },
          );
          await t.createTable(
            db,
            'invoices',
            (c) => ({
              invoice_id: c.integer(),
              customer_id: toInteger(c, 'customers'),
              invoice_date: c.epochMillis(),
              billing_country: c.nullable(c.text()),
              total: c.real(),
            }),
            { primaryKey: ['invoice_id'] },
          );
          await t.createTable(
            db,
            'invoice_lines',
            (c) => ({
              invoice_line_id: c.integer(),
              invoice_id: toInteger(c, 'invoices'),
              track_id: toInteger(c, 'tracks'),
              unit_price: c.real(),
              quantity: c.counter(1),
            }),
            { primaryKey: ['invoice_line_id'] },
          );
        },
        async down(db: Kysely<unknown>) {
          for (const table of chinookTables) await db.schema.dropTable(table).execute();
        },
      }),
    },
  ],
});

/** Those that refer come before those that are referred to. */
const chinookTables = [
  'invoice_lines',
  'invoices',
  'customers',
  'employees',
  'playlist_track',
  'tracks',
  'albums',
  'playlists',
  'media_types',
  'genres',
  'artists',
] as const;

/**
 * Fills a database. Employees come in no order: most of them refer to a row that comes behind.
 *
 * @param scale how many rows: about 90 of each
 */
export async function fillChinook(
  provider: DatabaseProvider<never>,
  seed: number,
  scale = 1,
): Promise<number> {
  const random = seededRandom(seed);
  const db = provider.db as unknown as Kysely<Record<string, Record<string, unknown>>>;
  const some = (rows: number) => integerBetween(random, 1, rows + 1);
  const [artists, albums, tracks, people, invoices] = [20, 40, 200, 12, 100].map((n) => n * scale) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const price = () => [0.99, 1.99, 0.1 + 0.2][integerBetween(random, 0, 3)]!;
  const each = (count: number, make: (id: number) => Record<string, unknown>) =>
    Array.from({ length: count }, (_, index) => make(index + 1));
  const pairs = new Set(
    each(tracks, () => ({ pair: `${some(5)} ${some(tracks)}` })).map(({ pair }) => String(pair)),
  );
  const rows: Record<string, Record<string, unknown>[]> = {
    artists: each(artists, (id) => ({ artist_id: id, name: word(random) })),
    genres: each(6, (id) => ({ genre_id: id, name: word(random) })),
    media_types: each(3, (id) => ({ media_type_id: id, name: word(random) })),
    playlists: each(5, (id) => ({ playlist_id: id, name: id === 3 ? null : word(random) })),
    albums: each(albums, (id) => ({ album_id: id, title: word(random), artist_id: some(artists) })),
    tracks: each(tracks, (id) => ({
      track_id: id,
      name: word(random),
      album_id: random() < 0.1 ? null : some(albums),
      media_type_id: some(3),
      genre_id: random() < 0.1 ? null : some(6),
      composer: random() < 0.3 ? null : word(random),
      milliseconds: integerBetween(random, 1_000, 600_000),
      bytes: integerBetween(random, 0, Number.MAX_SAFE_INTEGER),
      unit_price: price(),
    })),
    playlist_track: [...pairs].map((pair) => {
      const [playlist, track] = pair.split(' ').map(Number);
      return { playlist_id: playlist, track_id: track };
    }),
    employees: each(people, (id) => ({
      employee_id: id,
      last_name: word(random),
      first_name: word(random),
      title: null,
      reports_to: id === people ? null : id + 1,
      birth_date: -integerBetween(random, 0, 1_000_000_000_000),
      email: null,
    })),
    customers: each(people * 3, (id) => ({
      customer_id: id,
      first_name: word(random),
      last_name: word(random),
      country: word(random),
      email: `${id}@example.org`,
      support_rep_id: some(people),
    })),
    invoices: each(invoices, (id) => ({
      invoice_id: id,
      customer_id: some(people * 3),
      invoice_date: integerBetween(random, 0, 2_000_000_000_000),
      billing_country: null,
      total: random() * 100,
    })),
    invoice_lines: each(invoices * 4, (id) => ({
      invoice_line_id: id,
      invoice_id: some(invoices),
      track_id: some(tracks),
      unit_price: price(),
      quantity: some(9),
    })),
  };
  // Managers first, since the database looks at each row; those who copy have no such order.
  rows['employees']!.reverse();
  let count = 0;
  for (const table of chinookTables.toReversed()) {
    const all = rows[table]!;
    count += all.length;
    for (let from = 0; from < all.length; from += 500)
      await db
        .insertInto(table)
        .values(all.slice(from, from + 500))
        .execute();
  }
  return count;
}

const words = [
  'Łódź',
  'blue',
  'tab\there',
  'line\nbreak',
  'back\\slash',
  '',
  '\\N',
  'naïve 😀',
  "it's",
  'x'.repeat(300),
];

function word(random: Random): string {
  return `${words[integerBetween(random, 0, words.length)]!}${integerBetween(random, 0, 1_000)}`;
}

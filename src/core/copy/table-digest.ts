/**
 * What a table holds, in a few bytes: the count of its rows, and the sum of the hashes of all rows, so that their order
 * does not matter and a row that is there twice counts twice. It reads by plain statements of Kysely, and shares nothing
 * with what copies.
 */
import type { Kysely } from 'kysely';
import type { TransferKind } from '../engine/transfer-table.ts';
import { loadCrypto } from '../foundation/node-crypto.ts';
import { canonicalValue, comparedKind, isReadAsText } from './canonical-value.ts';
import type { CopiedTable } from './copied-table.ts';
import type { AnyTables } from './copy-provider.ts';

/** What a table holds. */
export interface TableDigest {
  /** How many rows. */
  readonly rows: number;
  /** 128 bits in hexadecimal. */
  readonly hash: string;
}

const modulus = 1n << 128n;
const rowsAtOnce = 50;

/** Sums up rows, and takes rows away again. */
export class DigestSum {
  #rows = 0;
  #high = 0n;
  #low = 0n;

  /** @param sign −1 takes the row away */
  count(values: readonly (string | null)[], sign: 1 | -1): void {
    const bytes = loadCrypto().hash('sha256', JSON.stringify(values), 'buffer');
    const factor = BigInt(sign);
    this.#rows += sign;
    this.#high += factor * bytes.readBigUInt64BE(0);
    this.#low += factor * bytes.readBigUInt64BE(8);
  }

  get digest(): TableDigest {
    const sum = ((((this.#high << 64n) + this.#low) % modulus) + modulus) % modulus;
    return { rows: this.#rows, hash: sum.toString(16).padStart(32, '0') };
  }
}

/**
 * Reads a table, a page at a time along its primary key: a stream inside of a transaction of SQLite is read whole before
 * its first row is given out. A table without such a key is read as a stream all the same.
 *
 * @param db a handle that sees one moment of the database
 * @param onRows hears how many rows more were read
 */
export async function digestTable(
  db: Kysely<AnyTables>,
  table: CopiedTable,
  sum: DigestSum,
  onRows: (rows: number) => void,
): Promise<void> {
  const kinds = table.columns.map(comparedKind);
  const keyPlaces = findKeyPlaces(table, kinds);
  const count = (row: Row): void =>
    sum.count(
      kinds.map((kind, index) => canonicalValue(row[`c${index}`], kind)),
      1,
    );
  if (keyPlaces === undefined) {
    for await (const row of selectRows(db, table, kinds).stream(rowsAtOnce)) {
      count(row);
      onRows(1);
    }
    return;
  }
  let last: Row | undefined;
  do {
    const rows = await selectPage(selectRows(db, table, kinds), table, keyPlaces, last).execute();
    for (const row of rows) count(row);
    if (rows.length > 0) onRows(rows.length);
    last = rows.length < rowsAtOnce ? undefined : rows.at(-1);
  } while (last !== undefined);
}

type Row = Record<string, unknown>;
type Select = ReturnType<typeof selectRows>;

/** Where the columns of the key stand, where both engines compare them with what they were read as. */
function findKeyPlaces(
  { from, to, columns }: CopiedTable,
  kinds: readonly TransferKind[],
): readonly number[] | undefined {
  if (to.key.length === 0 || JSON.stringify(from.key) !== JSON.stringify(to.key)) return undefined;
  const places = to.key.map((name) => columns.findIndex((column) => column.name === name));
  const areFit = places.every((place) => ['uuid', 'text', 'integer'].includes(kinds[place] ?? ''));
  return areFit ? places : undefined;
}

function selectRows(db: Kysely<AnyTables>, { name, columns }: CopiedTable, kinds: readonly TransferKind[]) {
  return db.selectFrom(name).select((eb) =>
    columns.map((column, index) => {
      const value = eb.ref(column.name);
      return isReadAsText(kinds[index]!)
        ? eb.cast<string | null>(value, 'text').as(`c${index}`)
        : value.as(`c${index}`);
    }),
  );
}

/** The key as it was read, a text, is compared as what the column holds: both engines bring it there. */
function selectPage(
  query: Select,
  { columns }: CopiedTable,
  places: readonly number[],
  last: Row | undefined,
): Select {
  let page = query.limit(rowsAtOnce);
  for (const place of places) page = page.orderBy(columns[place]!.name);
  if (last === undefined) return page;
  const [first] = places;
  // By itself the choice between several conditions would be looked for in no index.
  const bounded = page.where(columns[first!]!.name, '>=', last[`c${first}`]);
  return bounded.where((eb) =>
    eb.or(
      places.map((place, depth) =>
        eb.and([
          ...places.slice(0, depth).map((before) => eb(columns[before]!.name, '=', last[`c${before}`])),
          eb(columns[place]!.name, '>', last[`c${place}`]),
        ]),
      ),
    ),
  );
}

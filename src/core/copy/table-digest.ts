/**
 * What a table holds, in a few bytes: the count of its rows, and the sum of the hashes of all rows, so that their order
 * does not matter and a row that is there twice counts twice. It reads by plain statements of Kysely, and shares nothing
 * with what copies.
 */
import type { Kysely } from 'kysely';
import type { TransferTable } from '../engine/transfer-table.ts';
import { loadCrypto } from '../foundation/node-crypto.ts';
import { canonicalValue, comparedKind } from './canonical-value.ts';
import type { CopiedTable } from './copied-table.ts';
import type { AnyTables } from './copy-provider.ts';
import { readPages } from './read-pages.ts';

/** What a table holds. */
export interface TableDigest {
  /** How many rows. */
  readonly rows: number;
  /** 128 bits in hexadecimal. */
  readonly hash: string;
}

const modulus = 1n << 128n;

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
 * Sums up a table.
 *
 * @param db a handle that sees one moment of the database
 * @param shape the table as this database has it
 * @param onRows hears how many rows more were read
 */
export async function digestTable(
  db: Kysely<AnyTables>,
  { columns }: CopiedTable,
  shape: TransferTable,
  onRows: (rows: number) => void,
): Promise<DigestSum> {
  const sum = new DigestSum();
  const compared = columns.map((column) => ({ name: column.name, kind: comparedKind(column) }));
  for await (const rows of readPages(db, shape, compared)) {
    for (const row of rows) {
      sum.count(
        compared.map(({ kind }, index) => canonicalValue(row[`c${index}`], kind)),
        1,
      );
    }
    onRows(rows.length);
  }
  return sum;
}

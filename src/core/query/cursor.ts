import type { Cursor } from '../domain/page.ts';
import type { Issue } from '../foundation/issue.ts';
import { loadCrypto } from '../foundation/node-crypto.ts';
import { valueRules } from './column-value.ts';
import type { Gap } from './keyset.ts';
import type { Order } from './order.ts';

/**
 * Cursors as text: base64url of `[signature, side, …values]`. The signature tells for which table and order
 * the cursor was made; it is no secret and proves nothing, so the values are checked like any input. Whoever
 * holds a cursor can read the values of the sorted columns in it.
 */
const sides = ['before', 'after'] as const;

/**
 * Makes the cursor of a gap beside a row.
 *
 * @param table the table's name
 * @param order the total order of the list
 * @param gap the place, with the values that the row has in the order's columns
 */
export function encodeCursor(table: string, order: Order, gap: Gap): Cursor {
  const content = [signatureOf(table, order), sides.indexOf(gap.side), ...gap.values];
  return Buffer.from(JSON.stringify(content)).toString('base64url') as Cursor;
}

/**
 * Reads a cursor.
 *
 * @param text what the caller handed in
 * @param table the table's name
 * @param order the total order of the list that is asked for
 * @param issues receives the fault of a cursor that is damaged, forged, or of another table or order
 * @param path where the cursor stands, for the fault
 */
export function decodeCursor(
  text: unknown,
  table: string,
  order: Order,
  issues: Issue[],
  path: Issue['path'],
): Gap | undefined {
  const gap = readGap(text, table, order);
  if (gap === undefined) {
    issues.push({
      path,
      message: `is no cursor of table "${table}" in this order; hand in a page's nextCursor or previousCursor as it was`,
    });
  }
  return gap;
}

function readGap(text: unknown, table: string, order: Order): Gap | undefined {
  const content = readContent(text);
  if (!Array.isArray(content) || content.length !== order.length + 2) return undefined;
  const [signature, side, ...values] = content as readonly unknown[];
  if (signature !== signatureOf(table, order) || (side !== 0 && side !== 1)) return undefined;
  const normal = order.map(({ column }, index) => {
    if (values[index] === null) return column.nullable ? null : undefined;
    return valueRules[column.kind].normalize(values[index]);
  });
  return normal.includes(undefined) ? undefined : { values: normal, side: sides[side] };
}

function readContent(text: unknown): unknown {
  if (typeof text !== 'string') return undefined;
  const bytes = Buffer.from(text, 'base64url');
  // Buffer skips what is not of the alphabet; a cursor is taken only as it was given out.
  if (bytes.toString('base64url') !== text) return undefined;
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

// By table and order, since a hash takes longer than all the rest; there are few of either.
const signatures = new Map<string, string>();
const maxSignatures = 1_000;

function signatureOf(table: string, order: Order): string {
  const content = JSON.stringify([table, order.map(({ column, descending }) => [column.name, descending])]);
  let signature = signatures.get(content);
  if (signature === undefined) {
    signature = loadCrypto().createHash('sha256').update(content).digest('base64url').slice(0, 12);
    if (signatures.size >= maxSignatures) signatures.clear();
    signatures.set(content, signature);
  }
  return signature;
}

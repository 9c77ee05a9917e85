/** Ways to tamper with a trail, each with what a verification must say of it. */
import type { Kysely } from 'kysely';
import type { AuditTables } from '../../../src/core/audit/audit-tables.ts';
import { emptyChain, hashOf, sealRow, type ChainRow } from '../../../src/core/audit/chain-row.ts';
import type { AuditFaultKind } from '../../../src/core/audit/index.ts';
import type { MacKeys } from '../../../src/core/foundation/mac-keys.ts';

/** One chain, and what a tamperer may use. */
export interface Victim {
  readonly stream: string;
  /** All rows of the chain, in their order. */
  readonly rows: readonly ChainRow[];
  /** From here on no content is erased. A row whose content is gone is known by the hashes alone. */
  readonly firstWhole: number;
  /** The places that were anchored. */
  readonly anchored: readonly number[];
  /** Those of whoever can read the application's secrets as well. */
  readonly keys: MacKeys;
  random(): number;
}

/** What the chain becomes, and what is to be found. */
export interface Tampering {
  readonly rows: readonly ChainRow[];
  readonly kind: AuditFaultKind;
  readonly seq: number;
}

type Tamper = (victim: Victim) => Tampering;

const others: Partial<Record<keyof ChainRow, readonly (string | number | null)[]>> = {
  id: ['00000000-0000-7000-8000-000000000000'],
  recorded_at: [0, 1, 1_900_000_000_000],
  tenant: [null, 'other'],
  actor_type: [null, 'user', 'service', 'system'],
  actor_id: [null, 'mallory'],
  action: ['nothing'],
  entity_type: [null, 'other'],
  entity_id: [null, '0'],
  request_id: [null, 'r'],
  trace_id: [null, 't'],
  content: ['{}', '{"changes":[{"field":"a","new":2}]}', '', 'no json'],
  content_digest: ['0'.repeat(64), ''],
  prev_hash: ['0'.repeat(64), ''],
  hash: ['f'.repeat(64), ''],
};

export const tampers: Readonly<Record<string, Tamper>> = {
  'a value is changed'(victim) {
    const at = pick(
      victim,
      victim.rows.filter(({ content }) => content !== null),
    );
    return { rows: exchange(victim.rows, edit(victim, at)), kind: 'edited', seq: at.seq };
  },
  'a value is changed, and the hash of the row'(victim) {
    const at = pick(victim, wholeRows(victim));
    const forged = rehash(edit(victim, at, ['hash', 'prev_hash']));
    return { rows: exchange(victim.rows, forged), kind: 'edited', seq: at.seq };
  },
  'a value is changed, and all hashes from there on'(victim) {
    const at = pick(victim, wholeRows(victim).slice(0, -2));
    const rows = exchange(victim.rows, edit(victim, at, ['hash', 'prev_hash']));
    return { rows: relink(rows, at.seq), kind: 'edited', seq: at.seq };
  },
  'the hash before is changed, and the hash of the row'(victim) {
    const at = pick(victim, wholeRows(victim));
    const forged = rehash({ ...at, prev_hash: 'a'.repeat(64) });
    return { rows: exchange(victim.rows, forged), kind: 'edited', seq: at.seq };
  },
  'the key is another one'(victim) {
    const at = pick(victim, wholeRows(victim));
    const rows = exchange(victim.rows, { ...at, key_id: 'elsewhere' });
    return { rows: relink(rows, at.seq), kind: 'unknown-key', seq: at.seq };
  },
  'rows are deleted'(victim) {
    const [from, to] = pickRange(victim, victim.rows.slice(0, -1));
    const rows = victim.rows.filter(({ seq }) => seq < from || seq > to);
    return { rows, kind: 'deleted', seq: from };
  },
  'rows are deleted, and those behind are moved up'(victim) {
    const [from, to] = pickRange(victim, wholeRows(victim).slice(0, -1));
    const rows = victim.rows
      .filter(({ seq }) => seq < from || seq > to)
      .map((row) => (row.seq < from ? row : { ...row, seq: row.seq - (to - from + 1) }));
    return { rows: maybeRelink(victim, rows, from), kind: 'deleted', seq: from };
  },
  'a row is put in'(victim) {
    const at = pick(victim, wholeRows(victim));
    const moved = victim.rows.map((row) => (row.seq < at.seq ? row : { ...row, seq: row.seq + 1 }));
    const forged = rehash({
      ...pick(victim, wholeRows(victim)),
      id: newId(),
      seq: at.seq,
      prev_hash: at.prev_hash,
    });
    const rows = [
      ...moved.filter(({ seq }) => seq < at.seq),
      forged,
      ...moved.filter(({ seq }) => seq > at.seq),
    ];
    return { rows: maybeRelink(victim, rows, at.seq), kind: 'inserted', seq: at.seq };
  },
  'two rows change places'(victim) {
    const [one, other] = pickTwo(victim);
    const rows = victim.rows.map((row) => {
      if (row.seq === one.seq) return { ...other, seq: one.seq };
      return row.seq === other.seq ? { ...one, seq: other.seq } : row;
    });
    return { rows: maybeRelink(victim, rows, one.seq), kind: 'reordered', seq: one.seq };
  },
  'a row is moved further on'(victim) {
    const [one, other] = pickTwo(victim);
    const rows = victim.rows
      .filter(({ seq }) => seq !== one.seq)
      .toSpliced(victim.rows.indexOf(other), 0, one)
      .map((row, index) => ({ ...row, seq: victim.rows[index]!.seq }));
    return { rows: maybeRelink(victim, rows, one.seq), kind: 'reordered', seq: one.seq };
  },
  'a row is moved ahead'(victim) {
    const [one, other] = pickTwo(victim);
    const rows = victim.rows
      .filter(({ seq }) => seq !== other.seq)
      .toSpliced(victim.rows.indexOf(one), 0, other)
      .map((row, index) => ({ ...row, seq: victim.rows[index]!.seq }));
    return { rows: maybeRelink(victim, rows, one.seq), kind: 'reordered', seq: one.seq };
  },
  'the end is cut off'(victim) {
    const at = pick(victim, victim.rows);
    return { rows: victim.rows.filter(({ seq }) => seq < at.seq), kind: 'cut', seq: at.seq };
  },
  'all is written anew, without the keys'(victim) {
    const seq = victim.rows[0]!.seq;
    const rows = victim.rows.map((row) => ({ ...row, id: newId(), content: '{"reason":"none"}' }));
    return { rows: relink(rows, seq), kind: 'rewritten', seq };
  },
  'all is written anew, with the keys'(victim) {
    // What was purged is proved by its summary, which may have been anchored itself.
    const start = Math.max(0, ...victim.anchored.filter((seq) => seq < victim.rows[0]!.seq));
    const rows = reseal(victim, victim.rows[0]!.seq, '{"reason":"none"}');
    return { rows, kind: start > 0 ? 'forked' : 'rewritten', seq: start + 1 };
  },
  'an old state goes on otherwise, with the keys'(victim) {
    const at = pick(
      victim,
      victim.rows.filter(({ seq }) => seq > Math.min(...victim.anchored)),
    );
    const anchored = Math.max(...victim.anchored.filter((seq) => seq < at.seq));
    return { rows: reseal(victim, at.seq, '{"reason":"none"}'), kind: 'forked', seq: anchored + 1 };
  },
  'a row follows an earlier one, with the keys'(victim) {
    const at = pick(victim, victim.rows.slice(3));
    const place = victim.rows.indexOf(at);
    const earlier = victim.rows[Math.floor(victim.random() * (place - 1))]!;
    const rows = reseal(victim, at.seq, at.content ?? '{}', { seq: at.seq - 1, hash: earlier.hash });
    return { rows, kind: 'forked', seq: at.seq };
  },
  'a content is taken away'(victim) {
    const at = pick(
      victim,
      wholeRows(victim).filter(({ action }) => action !== 'audit.erase'),
    );
    return { rows: exchange(victim.rows, { ...at, content: null }), kind: 'erased', seq: at.seq };
  },
};

/** Puts the rows in the place of those of the chain, as somebody does who owns the table. */
export async function replaceRows(
  db: Kysely<AuditTables>,
  { rows, stream }: Victim,
  wanted: readonly ChainRow[],
): Promise<void> {
  const kept = new Set(rows.filter((row, index) => isSame(row, wanted[index])).map(({ seq }) => seq));
  await db
    .deleteFrom('audit_logs')
    .where('stream', '=', stream)
    .where('seq', 'not in', [0, ...kept])
    .execute();
  const fresh = wanted.filter(({ seq }) => !kept.has(seq));
  if (fresh.length > 0)
    await db
      .insertInto('audit_logs')
      .values([...fresh])
      .execute();
}

function isSame(one: ChainRow, other: ChainRow | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function wholeRows({ rows, firstWhole }: Victim): ChainRow[] {
  return rows.filter(({ seq }) => seq >= firstWhole);
}

function pick<Item>({ random }: Pick<Victim, 'random'>, items: readonly Item[]): Item {
  return items[Math.floor(random() * items.length)]!;
}

function pickRange(victim: Victim, rows: readonly ChainRow[]): [number, number] {
  const from = Math.floor(victim.random() * rows.length);
  const count = 1 + Math.floor(victim.random() * Math.min(4, rows.length - from));
  return [rows[from]!.seq, rows[from + count - 1]!.seq];
}

function pickTwo(victim: Victim): [ChainRow, ChainRow] {
  const rows = wholeRows(victim);
  const first = Math.floor(victim.random() * (rows.length - 1));
  const second = first + 1 + Math.floor(victim.random() * (rows.length - first - 1));
  return [rows[first]!, rows[second]!];
}

function exchange(rows: readonly ChainRow[], forged: ChainRow): ChainRow[] {
  return rows.map((row) => (row.seq === forged.seq ? forged : row));
}

/** The row with one value that is another one. */
function edit(victim: Victim, row: ChainRow, but: readonly (keyof ChainRow)[] = []): ChainRow {
  const columns = (Object.keys(others) as (keyof ChainRow)[]).filter((column) => !but.includes(column));
  for (;;) {
    const column = pick(victim, columns);
    const value = pick(victim, others[column]!);
    if (value !== row[column]) return { ...row, [column]: value };
  }
}

function rehash(row: ChainRow): ChainRow {
  return { ...row, hash: hashOf(row) };
}

/** Makes hashes anew from a place on, so that the chain is well in itself. */
function relink(rows: readonly ChainRow[], from: number): ChainRow[] {
  let before: ChainRow | undefined;
  return rows.map((row) => {
    const next = row.seq < from ? row : rehash({ ...row, prev_hash: before?.hash ?? row.prev_hash });
    before = next;
    return next;
  });
}

function maybeRelink(victim: Victim, rows: readonly ChainRow[], from: number): readonly ChainRow[] {
  return victim.random() < 0.5 ? rows : relink(rows, from);
}

/** Writes rows anew from a place on, as only somebody can who has the keys. */
function reseal(
  victim: Victim,
  from: number,
  content: string,
  start: { readonly seq: number; readonly hash: string } | undefined = victim.rows.findLast(
    ({ seq }) => seq < from,
  ),
  first = victim.rows[0]!,
): ChainRow[] {
  let head: { readonly seq: number; readonly hash: string } = start ?? {
    seq: first.seq - 1,
    hash: first.prev_hash,
  };
  if (head.seq === 0) head = emptyChain;
  return victim.rows.map((row) => {
    if (row.seq < from) return row;
    const text = row.seq === from ? content : (row.content ?? '{}');
    const sealed = sealRow(victim.keys, { ...row, content: text }, head);
    head = sealed;
    return sealed;
  });
}

let ids = 0;

function newId(): string {
  ids += 1;
  return `00000000-0000-7000-8000-${ids.toString(16).padStart(12, '0')}`;
}

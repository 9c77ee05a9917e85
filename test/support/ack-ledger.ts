/**
 * The acknowledgement ledger: operations that leave a trace in the database, and the check of what a fault
 * made of them. Whoever runs operations writes down the name of each one that was acknowledged; afterwards
 *
 * - an acknowledged operation is there exactly once, with everything that it wrote;
 * - any other is there whole, or not at all;
 * - the sum of all accounts is what it was, and the database finds no fault in itself.
 */
import { sql, type Kysely } from 'kysely';
import type { DatabaseProvider } from '../../src/core/index.ts';

export interface LedgerTables {
  accounts: { id: number; balance: number };
  parts: { operation: string; part: number; parts: number; account: number; filling: string };
}

export type LedgerDatabase = DatabaseProvider<LedgerTables>;

/** What a check found; every list is empty where all is well. */
export interface LedgerFaults {
  /** Acknowledged, and not there whole. */
  readonly lost: readonly string[];
  /** There more than once. */
  readonly doubled: readonly string[];
  /** There in part, or with other contents than were written. */
  readonly torn: readonly string[];
  /** What the database says against itself, and a sum that is wrong. */
  readonly damage: readonly string[];
}

const accountCount = 10;
const startBalance = 1_000;

/** Makes the tables of the ledger. */
export async function createLedger(provider: LedgerDatabase): Promise<void> {
  await provider.transaction(async (tx) => {
    await sql`create table accounts (id integer primary key, balance integer not null) strict`.execute(tx);
    await sql`create table parts (
      operation text not null, part integer not null, parts integer not null,
      account integer not null references accounts (id), filling text not null
    ) strict`.execute(tx);
    await sql`create index parts_by_operation on parts (operation)`.execute(tx);
    const accounts = Array.from({ length: accountCount }, (_, id) => ({ id, balance: startBalance }));
    await tx.insertInto('accounts').values(accounts).execute();
  });
}

/** The row of one part of an operation. Every tenth operation is large, so that the log soon needs a checkpoint. */
export function partOf(operation: string, part: number, parts: number): LedgerTables['parts'] {
  const account = part % accountCount;
  return { operation, part, parts, account, filling: fillingOf(operation) };
}

function fillingOf(operation: string): string {
  return operation.repeat(operation.endsWith('7') ? 2_000 : 3);
}

/** An operation of one statement. */
export async function writeAlone(provider: LedgerDatabase, operation: string): Promise<void> {
  await provider.db
    .insertInto('parts')
    .values(partOf(operation, 0, 1))
    .execute();
}

/** The same by a SQL text, which takes the shortest way to the database. */
async function writeDirectly(provider: LedgerDatabase, operation: string): Promise<void> {
  const { part, parts, account, filling } = partOf(operation, 0, 1);
  await provider.exec('insert into parts values (?, ?, ?, ?, ?)', [operation, part, parts, account, filling]);
}

/** An operation of one transaction: three parts, and a transfer between two accounts. */
function writeTransaction(provider: LedgerDatabase, operation: string): Promise<void> {
  return provider.transaction((tx) => writeParts(tx, operation));
}

/** The same three parts and the same transfer, as a batch. */
async function writeBatch(provider: LedgerDatabase, operation: string): Promise<void> {
  await provider.batch(statementsOf(provider.db, operation));
}

/** The statements of an operation of three parts, one after the other. Torn where `db` is no transaction. */
export async function writeParts(db: Kysely<LedgerTables>, operation: string): Promise<void> {
  for (const statement of statementsOf(db, operation)) await statement.execute();
}

function statementsOf(db: Kysely<LedgerTables>, operation: string) {
  return [-1, 0, 1].flatMap((change, part) => [
    db.insertInto('parts').values(partOf(operation, part, 3)),
    db
      .updateTable('accounts')
      .set(({ eb }) => ({ balance: eb('balance', '+', change) }))
      .where('id', '=', part),
  ]);
}

/** Every way to write an operation. */
export const ledgerWrites: readonly ((provider: LedgerDatabase, operation: string) => Promise<void>)[] = [
  writeAlone,
  writeTransaction,
  writeDirectly,
  writeBatch,
];

/**
 * Reads the whole database and judges it.
 *
 * @param provider open on what the fault has left
 * @param acknowledged the names of the operations that were acknowledged
 * @param underWay how many others there may have been
 */
export async function checkLedger(
  provider: LedgerDatabase,
  acknowledged: readonly string[],
  underWay = Infinity,
): Promise<LedgerFaults> {
  const stored = new Map<string, LedgerTables['parts'][]>();
  for (const row of await provider.db.selectFrom('parts').selectAll().execute()) {
    stored.set(row.operation, [...(stored.get(row.operation) ?? []), row]);
  }
  const damage = await findDamage(provider);
  const unexpected = stored.size - acknowledged.length;
  if (unexpected > underWay) damage.push(`${unexpected} operations are there that nobody acknowledged`);
  const whole = (operation: string) => isWhole(operation, stored.get(operation) ?? []);
  return {
    lost: acknowledged.filter((operation) => !whole(operation)),
    doubled: [...stored].filter(([, rows]) => rows.length > (rows[0]?.parts ?? 0)).map(([name]) => name),
    torn: [...stored.keys()].filter((operation) => !whole(operation)),
    damage,
  };
}

function isWhole(operation: string, rows: readonly LedgerTables['parts'][]): boolean {
  const parts = rows[0]?.parts;
  const seen = new Set(rows.map((row) => row.part));
  return (
    rows.length === parts && seen.size === parts && rows.every((row) => row.filling === fillingOf(operation))
  );
}

async function findDamage(provider: LedgerDatabase): Promise<string[]> {
  const damage: string[] = [];
  for (const { integrity_check: found } of await provider.query<{ integrity_check: string }>(
    'pragma integrity_check',
  )) {
    if (found !== 'ok') damage.push(found);
  }
  const orphans = await provider.query('pragma foreign_key_check');
  if (orphans.length > 0) damage.push(`${orphans.length} rows refer to nothing`);
  const [sum] = await provider.query<{ total: number | null }>('select sum(balance) as total from accounts');
  if (sum?.total !== accountCount * startBalance) damage.push(`the accounts hold ${sum?.total}`);
  return damage;
}

/** What `checkLedger` finds where all is well. */
export const noFaults: LedgerFaults = { lost: [], doubled: [], torn: [], damage: [] };

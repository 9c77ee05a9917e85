import type { Kysely } from 'kysely';
import { systemClock, type Clock } from '../foundation/clock.ts';
import { keptValue } from './bad-row.ts';
import { canonicalValue, comparedKind } from './canonical-value.ts';
import { pairTables, type CopiedTable } from './copied-table.ts';
import { CopyPace } from './copy-pace.ts';
import type { CopyProgress } from './copy-options.ts';
import { sideOf, type AnyTables, type CopyProvider, type CopySide } from './copy-provider.ts';
import { readQuarantine } from './quarantine.ts';
import { tableOf } from './read-pages.ts';
import { digestTable, type DigestSum, type TableDigest } from './table-digest.ts';

/** How two databases are compared. */
export interface VerifyCopyOptions {
  /** Hears how far it is. What it throws ends the work. */
  readonly onProgress?: (progress: CopyProgress) => void;
  /** Ends the work. */
  readonly signal?: AbortSignal;
  /** Where rates get their time from; the machine's own clock by default. */
  readonly clock?: Clock;
}

/** A table on both sides. */
export interface TableVerification {
  /** Its name. */
  readonly table: string;
  /** What the source holds, without the rows that the target has in quarantine. */
  readonly from: TableDigest;
  /** What the target holds. */
  readonly to: TableDigest;
  /** Whether both are the same. */
  readonly isEqual: boolean;
}

/** Two databases, compared. */
export interface CopyVerification {
  /** Each table. */
  readonly tables: readonly TableVerification[];
  /** Whether all tables are equal. */
  readonly isEqual: boolean;
}

/** Runs work on a handle that sees one moment of a database. */
export type SeeMoment = <Result>(work: (db: Kysely<AnyTables>) => Promise<Result>) => Promise<Result>;

/** Lets work see a moment in which values are written as on any other server. */
export function settled({ traits }: CopySide, see: SeeMoment): SeeMoment {
  return (work) =>
    see(async (db) => {
      await traits.settle(db);
      return work(db);
    });
}

/**
 * Compares two databases, whatever their engines are: the rows of each table by their count and by a hash that does not
 * depend on their order. JSON counts as equal where it means the same, and so does a value that both engines write in
 * their own ways. Rows that lie in quarantine in the target are taken off the source. It reads each side in one snapshot,
 * writes nothing, and shares no code with what copies rows.
 *
 * It does not compare the schemas beyond the names of tables and columns, and it cannot tell which row differs.
 *
 * @param from the source
 * @param to the target
 * @param options how it reports, and how it ends early
 * @returns each table with both digests
 * @throws CopyRefusedError where the tables or columns are not the same, or an engine cannot copy
 * @throws the signal's reason, and the errors of any statement
 * @example
 * const { isEqual, tables } = await verifyCopy(sqlite, postgres);
 */
export async function verifyCopy(
  from: CopyProvider,
  to: CopyProvider,
  { onProgress = () => {}, signal, clock = systemClock }: VerifyCopyOptions = {},
): Promise<CopyVerification> {
  const [one, other] = [sideOf(from), sideOf(to)];
  const tables = pairTables(await one.traits.readTables(one.db), await other.traits.readTables(other.db));
  return compareMoments(tables, momentOf(one), other, { onProgress, signal, clock });
}

/** Sees a database as it is now. A serializable transaction that reads never goes to a replica, which may be behind. */
export function momentOf(side: CopySide): SeeMoment {
  return settled(side, (work) =>
    side.provider.transaction((tx) => work(tx as Kysely<AnyTables>), {
      isolation: 'serializable',
      readOnly: true,
      retry: true,
    }),
  );
}

/** Compares tables of a moment with the target as it is. */
export async function compareMoments(
  tables: readonly CopiedTable[],
  from: SeeMoment,
  side: CopySide,
  {
    onProgress,
    signal,
    clock,
  }: Required<Omit<VerifyCopyOptions, 'signal'>> & { signal: AbortSignal | undefined },
): Promise<CopyVerification> {
  const to = momentOf(side);
  const total = (await countRows(tables, from)) + (await countRows(tables, to));
  const pace = CopyPace.begin('verify', total, clock, onProgress);
  const digest = (see: SeeMoment, part: 'from' | 'to') =>
    see(async (db) => {
      const sums = new Map<string, DigestSum>();
      for (const table of tables) {
        const sum = await digestTable(db, table, table[part], (rows) => {
          signal?.throwIfAborted();
          pace.note(table.name, rows);
        });
        sums.set(table.name, sum);
      }
      return sums;
    });
  const source = await digest(from, 'from');
  const target = await digest(to, 'to');
  await to((db) => takeOffQuarantined({ db, traits: side.traits }, tables, source));
  const compared = tables.map(({ name }) => {
    const [one, other] = [source.get(name)!.digest, target.get(name)!.digest];
    const isEqual = one.rows === other.rows && one.hash === other.hash;
    return { table: name, from: one, to: other, isEqual };
  });
  return { tables: compared, isEqual: compared.every(({ isEqual }) => isEqual) };
}

function countRows(tables: readonly CopiedTable[], see: SeeMoment): Promise<number> {
  return see(async (db) => {
    let total = 0;
    for (const { name } of tables) {
      const { n } = await db
        .selectFrom(tableOf(name))
        .select((eb) => eb.fn.countAll().as('n'))
        .executeTakeFirstOrThrow();
      total += Number(n);
    }
    return total;
  });
}

async function takeOffQuarantined(
  target: Pick<CopySide, 'db' | 'traits'>,
  tables: readonly CopiedTable[],
  sums: ReadonlyMap<string, DigestSum>,
): Promise<void> {
  const columnsOf = new Map(
    tables.map(({ name, columns }) => [
      name,
      columns.map((column) => ({ name: column.name, kind: comparedKind(column) })),
    ]),
  );
  for await (const row of readQuarantine(target)) {
    const columns = columnsOf.get(row.table);
    const values = columns?.map(({ name, kind }) => canonicalValue(keptValue(row, name), kind));
    if (values !== undefined) sums.get(row.table)!.count(values, -1);
  }
}

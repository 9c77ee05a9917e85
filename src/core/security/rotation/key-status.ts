import { ValidationError } from '../../foundation/errors/validation-error.ts';
import type { Issue } from '../../foundation/issue.ts';
import type { TableEncryption } from '../../foundation/table-encryption.ts';
import { isKeyId } from '../key-id.ts';
import { nextRows, type EncryptedRow } from './encrypted-rows.ts';
import { checkTables, type KeyUseOptions, type RotationProvider } from './rotation-options.ts';

/** How the values of one column divide among the keys. */
export interface ColumnKeyStatus {
  /** The table. */
  readonly table: string;
  /** The encrypted column, or the one of its blind index. */
  readonly column: string;
  /** Whether it holds sealed values or blind indexes. */
  readonly holds: 'sealed' | 'index';
  /** Rows by the id of the key that they name; NULLs count nowhere. */
  readonly keys: Readonly<Record<string, number>>;
  /** Values that name no key: never sealed, damaged, or, in an index, not there although there is a value. */
  readonly unknown: number;
}

/** Which keys are in use. */
export interface KeyStatus {
  /** The key that seals. */
  readonly activeId: string;
  /** Each encrypted column and each blind index. */
  readonly columns: readonly ColumnKeyStatus[];
  /** Values and indexes by key, over all columns; keys of the ring that are not in use are there with 0. */
  readonly keys: Readonly<Record<string, number>>;
}

/** As much of an envelope as holds the longest id of a key. */
const headLength = 80;
const chunkSize = 5_000;

/**
 * Counts which key each value is sealed or indexed with. It reads every row's first characters and opens nothing;
 * it is no snapshot: what is written meanwhile counts as it was or as it is.
 *
 * @param provider whose rows are counted; `DatabaseProvider` fits
 * @param options the ring and the tables
 * @returns the counts
 * @throws ValidationError where no table is named
 * @throws the signal's reason where it fired
 * @example
 * const { keys } = await keyStatus(provider, { ring, tables: [usersEncryption] }); // { new: 20, old: 0 }
 */
export async function keyStatus<DB>(
  provider: Pick<RotationProvider<DB>, 'db'>,
  options: KeyUseOptions,
): Promise<KeyStatus> {
  const { ring, tables, signal } = options;
  const issues: Issue[] = [];
  checkTables(tables, issues);
  if (issues.length > 0) throw new ValidationError(issues);
  const columns: ColumnKeyStatus[] = [];
  for (const encryption of tables) columns.push(...(await countKeys(provider, encryption, signal)));
  const keys = new Map(ring.ids.map((id) => [id, 0]));
  for (const column of columns) {
    for (const [id, rows] of Object.entries(column.keys)) keys.set(id, (keys.get(id) ?? 0) + rows);
  }
  return { activeId: ring.activeId, columns, keys: Object.fromEntries(keys) };
}

async function countKeys<DB>(
  { db }: Pick<RotationProvider<DB>, 'db'>,
  encryption: TableEncryption,
  signal: AbortSignal | undefined,
): Promise<ColumnKeyStatus[]> {
  const counts = Object.entries(encryption.columns).map(([column, { index }]) => ({
    column,
    index,
    sealed: new KeyCount(),
    indexed: new KeyCount(),
  }));
  let behind: EncryptedRow | undefined;
  do {
    signal?.throwIfAborted();
    const { rows } = await nextRows(encryption, { behind, limit: chunkSize, head: headLength }).execute(db);
    for (const row of rows) {
      for (const { column, index, sealed, indexed } of counts) {
        if (row[column] === null) continue;
        sealed.add(keyOfEnvelope(row[column]));
        if (index !== undefined) indexed.add(keyOfIndex(row[index]));
      }
    }
    behind = rows.length < chunkSize ? undefined : rows.at(-1);
  } while (behind !== undefined);
  const { table } = encryption;
  return counts.flatMap(({ column, index, sealed, indexed }) => [
    { table, column, holds: 'sealed', ...sealed.read() } as const,
    ...(index === undefined ? [] : [{ table, column: index, holds: 'index', ...indexed.read() } as const]),
  ]);
}

class KeyCount {
  readonly #keys = new Map<string, number>();
  #unknown = 0;

  add(keyId: string | undefined): void {
    if (keyId === undefined) this.#unknown += 1;
    else this.#keys.set(keyId, (this.#keys.get(keyId) ?? 0) + 1);
  }

  read(): { readonly keys: Readonly<Record<string, number>>; readonly unknown: number } {
    return { keys: Object.fromEntries(this.#keys), unknown: this.#unknown };
  }
}

function keyOfEnvelope(head: unknown): string | undefined {
  const [mark, version, id] = String(head).split(':', 4);
  return mark === 'liminal' && version === '1' ? knownForm(id) : undefined;
}

function keyOfIndex(head: unknown): string | undefined {
  const [id, code] = String(head).split(':', 2);
  return code === undefined ? undefined : knownForm(id);
}

function knownForm(id: string | undefined): string | undefined {
  return id !== undefined && isKeyId(id) ? id : undefined;
}

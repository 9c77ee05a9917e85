/** Imports into databases of the tests, and looks at what has come in. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { withLegacyTables } from '../../../src/chat/legacy/legacy-tables.ts';
import {
  importLegacy,
  openChatStore,
  readLegacyQuarantine,
  type ChatDatabase,
  type ChatStore,
  type LegacyImportOptions,
  type LegacyImportReport,
  type LegacyReportLine,
} from '../../../src/chat/index.ts';
import type { DatabaseProvider } from '../../../src/core/index.ts';
import { KeyRing } from '../../../src/core/security/index.ts';
import { makeTempDirectory } from '../../support/temp-directory.ts';
import { legacyKey } from './legacy-files.ts';

/** The keys that seal in the tests. */
const ring = KeyRing.of([{ id: 'new', key: randomBytes(32) }]);

/** Opens a store that knows the keys, and has no tables yet. */
export function openTarget(url: string): Promise<ChatStore> {
  return openChatStore({ database: url, encryption: ring, migrate: false });
}

/** Imports with the keys of the tests, and a folder of its own. */
export function importFrom(
  store: ChatStore,
  sources: readonly string[],
  options: Partial<LegacyImportOptions> = {},
): Promise<LegacyImportReport> {
  const stateFolder = join(makeTempDirectory('state'), 'snapshots');
  return importLegacy(store.provider, { sources, stateFolder, legacyKey, encryption: ring, ...options });
}

/** A line of the report that tells of a record. */
export type QuarantineLine = Extract<LegacyReportLine, { type: 'quarantine' }>;

/** The report on an import. */
export async function reportOf(store: ChatStore): Promise<LegacyReportLine[]> {
  const lines: LegacyReportLine[] = [];
  for await (const line of readLegacyQuarantine(store.provider)) lines.push(line);
  return lines;
}

/** What the quarantine holds, in the order of the legacy database. */
export async function quarantineOf(store: ChatStore): Promise<QuarantineLine[]> {
  const lines = (await reportOf(store)).filter((line) => line.type === 'quarantine');
  return lines.toSorted(
    (one, other) =>
      one.source - other.source ||
      Number(one.rowid) - Number(other.rowid) ||
      (one.place < other.place ? -1 : 1),
  );
}

const tables = [
  'users',
  'oauth_identities',
  'api_keys',
  'user_preferences',
  'context_threads',
  'messages',
  'legacy_imports',
  'legacy_quarantine',
  'legacy_ids',
] as const;

/** All rows of all tables that an import writes. Of what is sealed, only that it is there: it differs each time. */
export async function dumpTarget(
  provider: DatabaseProvider<ChatDatabase>,
): Promise<Record<string, unknown[]>> {
  const db = withLegacyTables(provider.db);
  const dump: Record<string, unknown[]> = {};
  for (const table of tables) {
    const rows: Record<string, unknown>[] = await db.selectFrom(table).selectAll().execute();
    dump[table] = rows.map((row) => JSON.stringify(withoutSealed(row))).toSorted();
  }
  const tokens = await db
    .withTables<{ message_search: { message_id: string; tokens: string; token_count: number } }>()
    .selectFrom('message_search')
    .select(['message_id', 'tokens', 'token_count'])
    .execute();
  dump['message_search'] = tokens.map((row) => JSON.stringify(row)).toSorted();
  return dump;
}

function withoutSealed(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      name.startsWith('sealed_') && value !== null ? 'sealed' : value,
    ]),
  );
}

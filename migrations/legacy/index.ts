import * as legacyImport from './0001-legacy-import.ts';

/** The history of the tables that an import of a legacy database keeps. Who never imports one never runs it. */
export const legacyMigrations = {
  name: 'legacy',
  migrations: [{ name: '0001-legacy-import', up: legacyImport.up, down: legacyImport.down }],
} as const;

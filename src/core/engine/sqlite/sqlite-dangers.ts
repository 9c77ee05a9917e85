import type { DangerTexts } from '../assessment-draft.ts';

const expandAndContract =
  'Add the new one beside it, write both, fill the old rows, read the new one, and drop the old one in a later release.';
const twoReleases = 'Release code that does not use it first; drop it in a later release.';

/** What each danger means on SQLite, and the safe way. */
export const sqliteDangers: DangerTexts = {
  'add-check': {
    message: (table) => `All rows of "${table}" are read, and nobody can write to the file meanwhile.`,
    remedy: 'On a large table do it when few write.',
  },
  'add-column-not-null': {
    message: (column) => `"${column}" is NOT NULL without a default that is not NULL: SQLite refuses it.`,
    remedy: 'Give it a constant default, or add it nullable, fill it, and rebuild the table with the rule.',
  },
  'add-column-refused': {
    message: (column) =>
      `"${column}" is UNIQUE, a PRIMARY KEY, stored, or has a computed default, or refers to a table and has a default: SQLite refuses it, some of it only where there are rows or foreign keys are on.`,
    remedy: 'Add a plain column and an index of its own, or rebuild the table.',
  },
  'add-index': {
    message: (table) => `Nobody can write to the file while all of "${table}" is read for the index.`,
    remedy: 'On a large table do it when few write; say in `reviewed` why the table is small enough.',
  },
  'backfill-in-transaction': {
    message: (table) =>
      `Rows of "${table}" are changed in the transaction that changes a table: nobody can write to the file until all of them are done.`,
    remedy: 'Change the rows in a migration of their own, in batches.',
  },
  'delete-rows': {
    message: (table) => `Rows of "${table}" are deleted, and nobody can write to the file meanwhile.`,
    remedy:
      'Delete in batches, in a migration with `transaction: false`; say in `destructive` why they may go. In place of REPLACE, which deletes whatever is in its way: ON CONFLICT … DO UPDATE.',
  },
  'drop-column': {
    message: (column) =>
      `"${column}" and all its values are gone, all of the table is written anew, and code that still names the column fails.`,
    remedy: `${twoReleases} Say in \`destructive\` why the values may go.`,
  },
  'drop-constraint': {
    message: (constraint) =>
      `"${constraint}" is kept no longer; rows that break it may come in, and then it cannot be added again.`,
    remedy: 'Say in `reviewed` why it is not needed, or what keeps the rule now.',
  },
  'drop-index': {
    message: (index) => `Queries that used "${index}" read all of their table.`,
    remedy: 'Say in `reviewed` which queries used it, and what they use now.',
  },
  'drop-object': {
    message: (what) => `${what} is dropped, and code that still uses it fails.`,
    remedy: twoReleases,
  },
  'drop-table': {
    message: (table) =>
      `"${table}" and all its rows are gone, with the rows that refer to it by ON DELETE CASCADE, and code that still uses it fails.`,
    remedy: `${twoReleases} Say in \`destructive\` why the rows may go.`,
  },
  pragma: {
    message: (name) =>
      `PRAGMA ${name} changes the connection or the file, and some do nothing inside of a transaction.`,
    remedy: "Leave settings to the library's configuration; for foreign keys declare `foreignKeys: 'off'`.",
  },
  'rebuild-table': {
    message: (table) =>
      `"${table}" is copied into a new table that takes its name: all of it is written, and what the copy leaves out is gone.`,
    remedy: "Use `t.rebuildTable()` with `foreignKeys: 'off'`, which compares the rows; make a backup first.",
  },
  reindex: {
    message: (what) => `Nobody can write to the file while the indexes of ${what} are built anew.`,
    remedy: 'Do it when few write.',
  },
  'rename-column': {
    message: (column) => `Running code that says "${column}" fails from the commit on.`,
    remedy: expandAndContract,
  },
  'rename-table': {
    message: (table) => `Running code that says "${table}" fails from the commit on.`,
    remedy:
      'Put a view with the old name in its place in the same migration, or make a new table and write both.',
  },
  'rewrite-table': {
    message: (what) => `${what} is written anew, while nobody can use the file.`,
    remedy: 'Do it while nobody uses the database.',
  },
  'set-not-null': {
    message: (column) =>
      `All rows are read to see that "${column}" has no NULL, and nobody can write to the file meanwhile.`,
    remedy: 'On a large table do it when few write.',
  },
  'unknown-statement': {
    message: (what) => `It cannot be said what ${what} does.`,
    remedy: 'Look at it, and say in `reviewed` why it is safe.',
  },
  'update-all-rows': {
    message: (table) =>
      `Every row of "${table}" is written anew, and nobody can write to the file meanwhile.`,
    remedy: 'Update in batches, in a migration with `transaction: false`.',
  },
  'concurrently-in-transaction': {
    message: (what) => `${what} cannot run in a transaction.`,
    remedy: 'Declare `transaction: false` in the migration, and put nothing else into it.',
  },
};

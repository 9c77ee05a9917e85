import type { DangerTexts } from '../assessment-draft.ts';

const validateLater =
  'Add it NOT VALID, and VALIDATE CONSTRAINT in a later migration: that lets writes through.';
const expandAndContract =
  'Add the new one beside it, write both, fill the old rows in batches, read the new one, and drop the old one in a later release.';
const twoReleases = 'Release code that does not use it first; drop it in a later release.';

/** What each danger means on Postgres, and the safe way. */
export const postgresDangers: DangerTexts = {
  'add-check': {
    message: (what) => `All rows are read while nobody can ${what}.`,
    remedy: validateLater,
  },
  'add-column-not-null': {
    message: (column) =>
      `"${column}" is NOT NULL without a default: it fails where the table has a row, and code that does not write it yet fails.`,
    remedy:
      'Give it a constant default, or add it nullable, fill it in batches, and make it NOT NULL behind a validated CHECK.',
  },
  'add-column-rewrite': {
    message: (column) =>
      `"${column}" has a value that is computed for each row: all of the table is written anew while nobody can read or write it.`,
    remedy:
      'Add it nullable and without a default, set the default in a statement of its own, and fill the old rows in batches.',
  },
  'add-exclusion': {
    message: (table) =>
      `The index of an exclusion constraint of "${table}" is built while nobody can read or write it; it has no way without that.`,
    remedy: 'Do it while nobody uses the table, or keep the rule in a new table that takes its place.',
  },
  'add-foreign-key': {
    message: (table) =>
      `All rows of "${table}" are checked while nobody can write it or the table that it refers to.`,
    remedy: validateLater,
  },
  'add-index': {
    message: (table) => `Nobody can write "${table}" while the index is built.`,
    remedy: 'CREATE INDEX CONCURRENTLY, in a migration with `transaction: false`.',
  },
  'add-json-column': {
    message: (column) =>
      `"${column}" is json, which has no equality: SELECT DISTINCT and GROUP BY on it fail.`,
    remedy: 'Use jsonb.',
  },
  'add-partition': {
    message: (table) => `A partition of "${table}" is checked under a lock that keeps everybody out.`,
    remedy:
      'Make it as a table of its own, add a CHECK of its bounds NOT VALID, validate that, then ATTACH PARTITION: it need not be read again.',
  },
  'add-unique': {
    message: (table) => `An index is built while nobody can read or write "${table}".`,
    remedy:
      'CREATE UNIQUE INDEX CONCURRENTLY in a migration with `transaction: false`, then ADD CONSTRAINT … USING INDEX.',
  },
  'backfill-in-transaction': {
    message: (table) =>
      `Rows of "${table}" are changed in the transaction that has locked a table: it stays locked until all of them are done.`,
    remedy: 'Change the rows in a migration of their own, in batches.',
  },
  'change-type': {
    message: (column) =>
      `The type of "${column}" changes: where rows or indexes must be written anew, nobody can read or write the table meanwhile, and running code may not expect the new type.`,
    remedy: `${expandAndContract} To widen varchar, to go from varchar to text, or to raise the precision of numeric needs no rewrite.`,
  },
  'cluster-table': {
    message: (table) => `"${table}" is written anew while nobody can read or write it.`,
    remedy: 'Do it while nobody uses the table.',
  },
  'concurrently-in-transaction': {
    message: (what) => `${what} cannot run in a transaction.`,
    remedy: 'Declare `transaction: false` in the migration, and put nothing else into it.',
  },
  'delete-rows': {
    message: (table) => `Rows of "${table}" are deleted, and locked until the migration is committed.`,
    remedy:
      'Delete in batches, in a migration with `transaction: false`; say in `destructive` why they may go.',
  },
  'detach-partition': {
    message: (table) => `Nobody can read or write "${table}" while the partition is detached.`,
    remedy: 'DETACH PARTITION … CONCURRENTLY, in a migration with `transaction: false`.',
  },
  'disable-trigger': {
    message: (what) =>
      `${what} switches off triggers: what they do is left out, and what foreign keys forbid comes in.`,
    remedy:
      'Leave them on; say in `reviewed` what keeps the rules meanwhile, and who switches them on again.',
  },
  'drop-cascade': {
    message: (what) => `CASCADE: what depends on ${what} is dropped as well, without being named.`,
    remedy: 'Drop what depends on it by name, then this without CASCADE.',
  },
  'drop-column': {
    message: (column) => `"${column}" and all its values are gone, and code that still names it fails.`,
    remedy: `${twoReleases} Say in \`destructive\` why the values may go.`,
  },
  'drop-constraint': {
    message: (constraint) =>
      `"${constraint}" is kept no longer; rows that break it may come in, and then it cannot be added again.`,
    remedy: 'Say in `reviewed` why it is not needed, or what keeps the rule now.',
  },
  'drop-index': {
    message: (index) =>
      `Nobody can read or write the table of "${index}" until the migration is committed, and queries that used it become slow.`,
    remedy: 'DROP INDEX CONCURRENTLY, in a migration with `transaction: false`.',
  },
  'drop-object': {
    message: (what) => `${what} is dropped, and code that still uses it fails.`,
    remedy: twoReleases,
  },
  'drop-schema': {
    message: (schema) => `Schema "${schema}" is dropped.`,
    remedy: 'Drop what is in it by name first, and say in `destructive` why it may go.',
  },
  'drop-table': {
    message: (table) => `"${table}" and all its rows are gone, and code that still uses it fails.`,
    remedy: `${twoReleases} Say in \`destructive\` why the rows may go.`,
  },
  'lock-table': {
    message: (table) => `"${table}" is locked until the migration is committed.`,
    remedy: 'Leave it out: each statement takes the lock that it needs.',
  },
  'redirect-rows': {
    message: (table) =>
      `Running code that reads or writes "${table}" meets other rows from the commit on, or none, without an error.`,
    remedy: 'Release code that knows of it first; say in `reviewed` what it then reads and writes.',
  },
  'refresh-view': {
    message: (view) => `Nobody can read "${view}" while it is filled anew.`,
    remedy: 'REFRESH MATERIALIZED VIEW CONCURRENTLY; the view needs a unique index.',
  },
  reindex: {
    message: (what) =>
      `Nobody can write the table of "${what}" while its indexes are built anew, nor read by them.`,
    remedy: 'REINDEX … CONCURRENTLY, in a migration with `transaction: false`.',
  },
  'rename-column': {
    message: (column) => `Running code that says "${column}" fails from the commit on.`,
    remedy: expandAndContract,
  },
  'rename-object': {
    message: (what) => `Running code that uses ${what} by its old name fails from the commit on.`,
    remedy: 'Make the new one beside it, and drop the old one in a later release.',
  },
  'rename-schema': {
    message: (schema) => `Running code that says "${schema}" fails from the commit on.`,
    remedy: 'Make a new schema, and move to it step by step.',
  },
  'rename-table': {
    message: (table) => `Running code that says "${table}" fails from the commit on.`,
    remedy:
      'Put a view with the old name in its place in the same migration, or make a new table and write both.',
  },
  'rewrite-table': {
    message: (table) => `"${table}" is written anew while nobody can read or write it.`,
    remedy: 'Do it while nobody uses the table, or move the rows into a new one in batches.',
  },
  'set-not-null': {
    message: (column) =>
      `All rows are read to see that "${column}" has no NULL, while nobody can read or write the table.`,
    remedy:
      'Add a CHECK (… IS NOT NULL) NOT VALID, validate it in a later migration, then SET NOT NULL: it need not read any more.',
  },
  truncate: {
    message: (table) => `All rows of "${table}" are gone.`,
    remedy: 'Say in `destructive` why they may go.',
  },
  'unknown-statement': {
    message: (what) => `It cannot be said what ${what} does.`,
    remedy: 'Look at it, and say in `reviewed` why it is safe.',
  },
  'update-all-rows': {
    message: (table) =>
      `Every row of "${table}" is written anew, and locked until the migration is committed.`,
    remedy: 'Update in batches, in a migration with `transaction: false`.',
  },
  'vacuum-full': {
    message: (table) => `${table} is written anew while nobody can read or write it.`,
    remedy: 'VACUUM without FULL.',
  },
  'validate-with-add': {
    message: (constraint) =>
      `"${constraint}" is validated in the transaction that adds it, whose lock keeps everybody out meanwhile.`,
    remedy: 'Validate it in a later migration.',
  },
};

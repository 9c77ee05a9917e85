/**
 * The messages whose words SQLite takes from the schema: the names of tables, columns and constraints, the
 * text of a CHECK without a name, and what the author of a trigger wrote into its RAISE.
 */
const wordsOfTheSchema: ReadonlySet<string> = new Set([
  'SQLITE_CONSTRAINT_UNIQUE',
  'SQLITE_CONSTRAINT_PRIMARYKEY',
  'SQLITE_CONSTRAINT_ROWID',
  'SQLITE_CONSTRAINT_FOREIGNKEY',
  'SQLITE_CONSTRAINT_NOTNULL',
  'SQLITE_CONSTRAINT_CHECK',
  'SQLITE_CONSTRAINT_DATATYPE',
  'SQLITE_CONSTRAINT_TRIGGER',
]);

/**
 * What is safe to keep of an error that SQLite raised while a statement ran. By then it knows the values, and
 * may repeat them, such as a JSON path or a search expression. So the message goes, but for those whose words
 * are the schema's. A RAISE says what its author wrote, as on Postgres: no secret value belongs into one.
 *
 * @returns a copy with the result code and without the message; whatever is no error of SQLite as it is
 */
export function withoutValues(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code } = error as { code?: unknown };
  if (typeof code !== 'string' || !code.startsWith('SQLITE_') || wordsOfTheSchema.has(code)) return error;
  const copy = new Error(
    `${code} while it ran; what SQLite said may repeat values and is left out. Run it by hand to read it`,
  );
  copy.name = error.name;
  return Object.assign(copy, { code });
}

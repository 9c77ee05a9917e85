import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { ForeignKey, ForeignKeyEnd, SetColumns } from '../engine/foreign-key.ts';
import type { Issue } from '../foundation/issue.ts';
import type { CascadeRules, TableRules } from './table-rules.ts';

/**
 * Holds the declared cascades of a table against the foreign keys that the database has.
 *
 * @param keys those that change rows where others are deleted
 * @param audited the tables that are known to be audited
 * @returns the rules with what each of these foreign keys does
 * @throws ValidationError with every cascade that is declared and is none, and every one into an audited table that is
 *   one and is not declared
 */
export function resolveCascades(
  rules: TableRules,
  keys: readonly ForeignKey[],
  audited: ReadonlySet<string>,
): TableRules {
  const issues: Issue[] = [];
  const resolved = resolveTable(rules, keys, audited, [], ['cascades'], issues);
  if (issues.length > 0) throw new ValidationError(issues);
  return resolved;
}

function resolveTable(
  rules: TableRules,
  keys: readonly ForeignKey[],
  audited: ReadonlySet<string>,
  above: readonly TableRules[],
  path: Issue['path'],
  issues: Issue[],
): TableRules {
  const { table } = rules.definition;
  // Nobody can write down a circle: a table that comes again has the cascades that it had above.
  const known = above.find(({ definition }) => definition.table === table);
  if (known !== undefined && rules.cascades.length === 0) return { ...rules, cascades: known.cascades };
  const ways = keys.filter(({ parent }) => parent.tables.includes(table));
  const cascades: CascadeRules[] = [];
  const resolved = { ...rules, cascades };
  const declared = new Set<ForeignKey>();
  for (const [index, cascade] of rules.cascades.entries()) {
    const place = [...path, index];
    const fitting = ways.filter((key) => isWayOf(key, cascade));
    // Two keys may have a column in common: each is declared by one of its own.
    const way = fitting.find((key) => !declared.has(key)) ?? fitting[0];
    if (way === undefined) {
      const { definition } = cascade.rules;
      const message = `names "${definition.table}.${cascade.columns[0]?.name}", and the database has no foreign key from there to "${table}.${cascade.references[0]}" with ON DELETE CASCADE, SET NULL or SET DEFAULT`;
      issues.push({ path: place, message });
      continue;
    }
    declared.add(way);
    const fault = faultOf(way, cascade, rules);
    if (fault !== undefined) {
      issues.push({ path: place, message: fault });
      continue;
    }
    const { child, parent, sets } = way;
    cascades.push({
      columns: child.columns.map((name) => cascade.rules.definition.columns.get(name)!),
      references: parent.columns,
      isKept: sets !== undefined,
      rules:
        sets === undefined
          ? resolveTable(cascade.rules, keys, audited, [...above, resolved], [...place, 'cascades'], issues)
          : withUpdated(cascade.rules, sets.columns),
    });
  }
  for (const way of ways) {
    if (declared.has(way) || !way.child.tables.some((name) => audited.has(name))) continue;
    const message = `leave out ${describe(way.child)}, which is audited: the database ${verbOf(way.sets)} where the row of ${describe(way.parent)} is deleted`;
    issues.push({ path, message });
  }
  return resolved;
}

function isWayOf({ child, parent }: ForeignKey, { rules, columns, references }: CascadeRules): boolean {
  return (
    child.tables.includes(rules.definition.table) &&
    child.columns.some((name, place) => name === columns[0]?.name && parent.columns[place] === references[0])
  );
}

/** What keeps the rows from being found by all columns of the key, or behind the delete. */
function faultOf(
  { child, parent, sets }: ForeignKey,
  { rules }: CascadeRules,
  above: TableRules,
): string | undefined {
  const missing = [
    ...missingOf(child.columns, rules.definition),
    ...missingOf(parent.columns, above.definition),
  ];
  if (missing.length > 0)
    return `go by a foreign key of several columns, and the repository of the table leaves out ${missing.join(', ')}: declare them all`;
  const key = rules.definition.key.filter(({ name }) => sets?.columns.includes(name));
  if (key.length === 0) return undefined;
  return `cannot be recorded: the database ${verbOf(sets)} where a row above is deleted, and "${rules.definition.table}.${key[0]!.name}" is of the key by which the row would be found again`;
}

function missingOf(names: readonly string[], { table, columns }: TableRules['definition']): string[] {
  return names.filter((name) => !columns.has(name)).map((name) => `"${table}.${name}"`);
}

function verbOf(sets: SetColumns | undefined): string {
  if (sets === undefined) return 'deletes it';
  return sets.to === 'null' ? 'sets it to NULL' : 'sets it to its default';
}

/** No update of a repository may write these columns, and yet they change. */
function withUpdated(rules: TableRules, columns: readonly string[]): TableRules {
  const fields = rules.fields.map((field) =>
    columns.includes(field.name) ? { ...field, isUpdated: true } : field,
  );
  return { ...rules, fields, cascades: [] };
}

function describe({ tables, columns }: ForeignKeyEnd): string {
  return columns.map((column) => `"${tables[0]}.${column}"`).join(', ');
}

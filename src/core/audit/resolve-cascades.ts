import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { ForeignKey, ForeignKeyEnd } from '../engine/foreign-key.ts';
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
    const way = ways.find((key) => isWayOf(key, cascade));
    if (way === undefined) {
      const { definition } = cascade.rules;
      const message = `names "${definition.table}.${cascade.column.name}", and the database has no foreign key from there to "${table}.${cascade.references}" with ON DELETE CASCADE or SET NULL`;
      issues.push({ path: place, message });
      continue;
    }
    declared.add(way);
    cascades.push({
      ...cascade,
      clears: way.clears,
      rules:
        way.clears === undefined
          ? resolveTable(cascade.rules, keys, audited, [...above, resolved], [...place, 'cascades'], issues)
          : withUpdated(cascade.rules, way.clears),
    });
  }
  for (const way of ways) {
    if (declared.has(way) || !way.child.tables.some((name) => audited.has(name))) continue;
    const what = way.clears === undefined ? 'deletes' : 'sets to NULL';
    const message = `leave out ${describe(way.child)}, which is audited: the database ${what} it where the row of ${describe(way.parent)} is deleted`;
    issues.push({ path, message });
  }
  return resolved;
}

function isWayOf({ child, parent }: ForeignKey, { rules, column, references }: CascadeRules): boolean {
  return (
    child.tables.includes(rules.definition.table) &&
    child.columns.some((name, place) => name === column.name && parent.columns[place] === references)
  );
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

import { sql, type RawBuilder, type SqlBool } from 'kysely';
import { ForbiddenError } from '../foundation/errors/security-errors.ts';
import type { ParentRule, RowRule, RowRules } from './row-rule.ts';

/**
 * The rule of a table.
 *
 * @throws ForbiddenError where it has none
 */
export function ruleOf(table: string, rules: RowRules): RowRule {
  if (Object.hasOwn(rules, table)) return rules[table]!;
  throw new ForbiddenError(
    `Table "${table}" was asked for within an actor's rows, and no rule says which of its rows are whose; nothing was sent.`,
  );
}

/** Whether the rows of a rule belong to the actor through others. */
export function isParentRule(rule: RowRule): rule is ParentRule {
  return 'parent' in rule;
}

/** The condition of the rows of a table that are the actor's. */
export function ownRows(table: string, rules: RowRules, actor: string): RawBuilder<SqlBool> {
  const rule = ruleOf(table, rules);
  const column = sql.ref(`${table}.${rule.column}`);
  if (!isParentRule(rule)) return sql<SqlBool>`${column} = ${actor}`;
  return sql<SqlBool>`${column} in (${ownParents(rule, rules, actor)})`;
}

/** Those parents that are the actor's, by what is referred to. */
export function ownParents(
  { parent, parentKey = 'id' }: ParentRule,
  rules: RowRules,
  actor: string,
): RawBuilder<unknown> {
  const key = sql.ref(`${parent}.${parentKey}`);
  return sql`select ${key} from ${sql.table(parent)} where ${ownRows(parent, rules, actor)}`;
}

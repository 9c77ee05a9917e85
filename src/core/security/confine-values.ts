import {
  PrimitiveValueListNode,
  ValueListNode,
  ValueNode,
  ValuesNode,
  sql,
  type OperationNode,
  type ValuesItemNode,
} from 'kysely';
import { notOwn } from './not-own.ts';
import { isParentRule, ownParents } from './own-rows.ts';
import type { ParentRule, RowRule, RowRules } from './row-rule.ts';
import { isValue } from './statement-value.ts';

/** Whose rows are inserted, and where. */
interface Own {
  readonly table: string;
  readonly rule: RowRule;
  readonly rules: RowRules;
  readonly actor: string;
}

/**
 * Keeps the rows of an INSERT to the actor's: each carries the actor's value, or refers to a parent that is the
 * actor's. A foreign parent is looked up among the actor's own by the database, and becomes NULL there.
 *
 * @param values of the INSERT
 * @param position of the column that decides
 * @throws ForbiddenError where a row is somebody else's
 */
export function confineValues(values: OperationNode, position: number, own: Own): ValuesNode {
  if (!ValuesNode.is(values)) throw notOwn(own.table, own.rule);
  return ValuesNode.create(values.values.map((row) => confineRow(row, position, own)));
}

function confineRow(row: ValuesItemNode, position: number, own: Own): ValuesItemNode {
  const { rule, actor } = own;
  const nodes: readonly OperationNode[] = PrimitiveValueListNode.is(row)
    ? row.values.map((value) => ValueNode.create(value))
    : row.values;
  const value = nodes[position];
  if (value === undefined) throw notOwn(own.table, own.rule);
  if (!isParentRule(rule)) {
    if (!isValue(value, actor)) throw notOwn(own.table, own.rule);
    return row;
  }
  return ValueListNode.create(nodes.with(position, ownParent(value, rule, own)));
}

function ownParent(value: OperationNode, rule: ParentRule, { rules, actor }: Own): OperationNode {
  const { parent, parentKey = 'id' } = rule;
  const isParent = sql`${sql.ref(`${parent}.${parentKey}`)} = ${{ toOperationNode: () => value }}`;
  return sql`(${ownParents(rule, rules, actor)} and ${isParent})`.toOperationNode();
}

import {
  AliasNode,
  AndNode,
  ColumnNode,
  IdentifierNode,
  OperationNodeTransformer,
  ParensNode,
  ReferenceNode,
  TableNode,
  WhereNode,
  sql,
  type ColumnUpdateNode,
  type DeleteQueryNode,
  type InsertQueryNode,
  type OnConflictNode,
  type OperationNode,
  type QueryId,
  type SelectModifierNode,
  type UpdateQueryNode,
  type WithNode,
} from 'kysely';
import { ForbiddenError } from '../foundation/errors/security-errors.ts';
import { confineValues } from './confine-values.ts';
import { notOwn } from './not-own.ts';
import { isParentRule, ownRows, ruleOf } from './own-rows.ts';
import type { RowRule, RowRules } from './row-rule.ts';
import { bareNode, isValue } from './statement-value.ts';

/**
 * Rewrites one statement, so that it meets an actor's rows alone:
 *
 * - Wherever a table is read, in a FROM, a join or a subquery, its own rows stand in its place:
 *   `(select * from t where owner = ?) as t`. That holds for every kind of join, and for what is yet to come.
 * - What is updated or deleted is narrowed in its WHERE, and an upsert in the WHERE of its update.
 * - What is inserted carries the actor's value, and no update changes it. SQLite finds a column whatever the case of
 *   its name, so that names count as the same here where they differ in nothing else.
 * - No change ends with `modifyEnd`: behind the WHERE, raw SQL would undo it.
 *
 * It stands for one statement and one actor.
 */
export class ConfineStatement extends OperationNodeTransformer {
  readonly #rules: RowRules;
  readonly #actor: string;

  /**
   * @param rules the rules of the tables that may be used
   * @param actor whose rows are meant
   */
  constructor(rules: RowRules, actor: string) {
    super();
    this.#rules = rules;
    this.#actor = actor;
  }

  // The tree's type asks for a table where a table is read; Kysely compiles any node there.
  protected override transformTable(node: TableNode): TableNode {
    const name = nameOf(node);
    return this.#readOwn(name, IdentifierNode.create(name)) as unknown as TableNode;
  }

  protected override transformAlias(node: AliasNode, queryId?: QueryId): AliasNode {
    if (!TableNode.is(node.node)) return super.transformAlias(node, queryId);
    return this.#readOwn(nameOf(node.node), node.alias);
  }

  // In front of a column a table is only named.
  protected override transformReference(node: ReferenceNode): ReferenceNode {
    return node;
  }

  // A lock names what stands in the FROM already; on the own rows of a table it holds those rows alone.
  protected override transformSelectModifier(
    node: SelectModifierNode,
    queryId?: QueryId,
  ): SelectModifierNode {
    const { of: locked, ...rest } = node;
    return { ...super.transformSelectModifier(rest, queryId), ...(locked && { of: locked }) };
  }

  protected override transformWith(_node: WithNode): WithNode {
    throw refusal('has a WITH, whose names could stand for tables');
  }

  protected override transformInsertQuery(node: InsertQueryNode, queryId?: QueryId): InsertQueryNode {
    const { into, values, columns = [], onConflict } = node;
    if (into === undefined || node.replace || node.orAction || node.onDuplicateKey || node.defaultValues) {
      throw refusal('replaces rows, or has no values');
    }
    const table = nameOf(into);
    const rule = ruleOf(table, this.#rules);
    requireNoEnd(node);
    if (new Set(columns.map(({ column }) => caseless(column.name))).size < columns.length) {
      throw refusal('names a column twice');
    }
    const position = columns.findIndex(({ column }) => column.name === rule.column);
    if (position < 0 || values === undefined) throw notOwn(table, rule);
    const own = { rule, rules: this.#rules, actor: this.#actor, table };
    const rest = super.transformInsertQuery(omit(node, 'into', 'values', 'onConflict'), queryId);
    return {
      ...rest,
      into,
      values: confineValues(this.transformNode(values, queryId), position, own),
      ...(onConflict && { onConflict: this.#confineConflict(table, onConflict, queryId) }),
    };
  }

  protected override transformUpdateQuery(node: UpdateQueryNode, queryId?: QueryId): UpdateQueryNode {
    const { table } = node;
    if (table === undefined || !TableNode.is(table)) throw refusal('updates what is no plain table');
    const rule = ruleOf(nameOf(table), this.#rules);
    requireNoEnd(node);
    for (const update of node.updates ?? []) {
      if (setsColumn(update, rule.column) && !this.#isOwnValue(update.value, rule)) {
        throw notOwn(nameOf(table), rule);
      }
    }
    const rest = super.transformUpdateQuery(omit(node, 'table'), queryId);
    return { ...rest, table, where: this.#narrow(nameOf(table), rest.where) };
  }

  protected override transformDeleteQuery(node: DeleteQueryNode, queryId?: QueryId): DeleteQueryNode {
    const [table, ...others] = node.from.froms;
    if (table === undefined || !TableNode.is(table) || others.length > 0) {
      throw refusal('deletes from what is no plain table');
    }
    requireNoEnd(node);
    const rest = super.transformDeleteQuery({ ...node, from: { ...node.from, froms: [] } }, queryId);
    return { ...rest, from: node.from, where: this.#narrow(nameOf(table), rest.where) };
  }

  #readOwn(table: string, alias: OperationNode): AliasNode {
    const own = sql`(select * from ${sql.table(table)} where ${ownRows(table, this.#rules, this.#actor)})`;
    return AliasNode.create(own.toOperationNode(), alias);
  }

  // In parentheses: a WHERE may be made of alternatives.
  #narrow(table: string, where: WhereNode | undefined): WhereNode {
    const own = ParensNode.create(ownRows(table, this.#rules, this.#actor).toOperationNode());
    return WhereNode.create(where === undefined ? own : AndNode.create(ParensNode.create(where.where), own));
  }

  #confineConflict(table: string, node: OnConflictNode, queryId?: QueryId): OnConflictNode {
    const rule = ruleOf(table, this.#rules);
    for (const update of node.updates ?? []) {
      if (setsColumn(update, rule.column) && !isExcluded(update.value, rule.column)) {
        throw notOwn(table, rule);
      }
    }
    const rest = super.transformOnConflict(node, queryId);
    return node.doNothing ? rest : { ...rest, updateWhere: this.#narrow(table, rest.updateWhere) };
  }

  #isOwnValue(value: OperationNode, rule: RowRule): boolean {
    return !isParentRule(rule) && isValue(value, this.#actor);
  }
}

function nameOf({ table }: TableNode): string {
  if (table.schema !== undefined) throw refusal('names a schema');
  return table.identifier.name;
}

// What cannot be told counts as setting it.
function setsColumn({ column }: ColumnUpdateNode, name: string): boolean {
  const bare = ReferenceNode.is(column) ? column.column : column;
  return !ColumnNode.is(bare) || caseless(bare.column.name) === caseless(name);
}

function caseless(name: string): string {
  return name.toLowerCase();
}

function requireNoEnd({ endModifiers = [] }: InsertQueryNode | UpdateQueryNode | DeleteQueryNode): void {
  if (endModifiers.length > 0) throw refusal('has SQL at its end');
}

// The row that was to be inserted carries the actor's value already, in the column of just this name.
function isExcluded(value: OperationNode, name: string): boolean {
  const bare = bareNode(value);
  if (!ReferenceNode.is(bare) || bare.table?.table.identifier.name !== 'excluded') return false;
  return ColumnNode.is(bare.column) && bare.column.column.name === name;
}

function omit<Node extends object, Name extends keyof Node>(node: Node, ...names: Name[]): Node {
  return { ...node, ...Object.fromEntries(names.map((name) => [name, undefined])) };
}

function refusal(what: string): ForbiddenError {
  return new ForbiddenError(
    `A statement within an actor's rows ${what}, and cannot be kept there; nothing was sent.`,
  );
}

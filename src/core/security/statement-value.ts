import { RawNode, ValueNode, type OperationNode } from 'kysely';

/** The node without the `sql` that only wraps it. */
export function bareNode(node: OperationNode): OperationNode {
  if (!RawNode.is(node)) return node;
  const [only, ...others] = node.parameters;
  if (only === undefined || others.length > 0 || node.sqlFragments.some((text) => text !== '')) return node;
  return bareNode(only);
}

/** Whether a node is a parameter with a value. */
export function isValue(node: OperationNode, value: string): boolean {
  const bare = bareNode(node);
  return ValueNode.is(bare) && bare.value === value;
}

import type { Node } from 'acorn';
import { loadCrypto } from '../foundation/node-crypto.ts';
import type { Migration } from './migration.ts';

/**
 * What a migration means, as a short text that stays the same as long as its code does. Comments, white space,
 * quotes, parentheses and types do not count, and neither do the numbers that a bundler puts behind names: the
 * source that Node has stripped and what a compiler or a bundler made of it give the same, and how a function calls its
 * own variables does not count either. A minified text is another one.
 *
 * It sees the functions' own text. What they call outside of themselves it does not see.
 *
 * @param migration whose `up`, `down` and `transaction` count; reasons and names do not
 * @returns the version of the algorithm and a SHA-256, such as `1:9f86…`; undefined where the text of a function
 *   cannot be had, as of one that was bound
 */
export async function checksumOf(migration: Migration): Promise<string | undefined> {
  const ways = [await readMeaning(String(migration.up)), null as unknown];
  if (migration.down !== undefined) ways[1] = await readMeaning(String(migration.down));
  if (ways.includes(undefined)) return undefined;
  const text = JSON.stringify([migration.transaction ?? true, ...ways]);
  return `1:${loadCrypto().createHash('sha256').update(text, 'utf8').digest('hex')}`;
}

/** @returns the tree of a function as plain data; undefined where its text is none of JavaScript */
async function readMeaning(text: string): Promise<unknown> {
  const { parseExpressionAt } = await import('acorn');
  // A method is only an expression as a part of an object.
  for (const form of [`(${text})`, `({${text}})`]) {
    try {
      return meaningOfFunction(parseExpressionAt(form, 0, { ecmaVersion: 'latest', sourceType: 'module' }));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  return undefined;
}

type Fields = Readonly<Record<string, unknown>>;

function meaningOfFunction(node: Node): unknown {
  const { type, properties } = node as Node & { readonly properties?: readonly { readonly value: Node }[] };
  const way = ((type === 'ObjectExpression' && properties?.[0]?.value) || node) as unknown as Fields;
  const names = new LocalNames(findDeclared([way['params'], way['body']]));
  const meaningOf = (value: unknown): unknown => meaningOfTree(value, names);
  return [way['async'], way['generator'], meaningOf(way['params']), meaningOf(way['body'])];
}

/** Names that a function declares are known by the order in which they come; others lose a bundler's number. */
class LocalNames {
  readonly #declared: ReadonlySet<string>;
  readonly #places = new Map<string, number>();

  constructor(declared: ReadonlySet<string>) {
    this.#declared = declared;
  }

  meaningOf(name: string): unknown {
    // Bundlers put a number behind a name that occurs twice: `sql2`, `sql$1`.
    if (!this.#declared.has(name)) return name.replace(/(?:\$|(?<!\d))\d+$/, '');
    const place = this.#places.get(name) ?? this.#places.size;
    this.#places.set(name, place);
    return place;
  }
}

/** Where a node lies in its text, and how it was written there. */
const form: ReadonlySet<string> = new Set(['start', 'end', 'raw', 'shorthand', 'directive']);

function meaningOfTree(value: unknown, names: LocalNames): unknown {
  const meaningOf = (part: unknown): unknown => meaningOfTree(part, names);
  if (Array.isArray(value)) return value.filter(isNoEmptyStatement).map(meaningOf);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof RegExp) return String(value);
  const node = value as Fields;
  switch (node['type']) {
    case 'Identifier':
      return ['Identifier', names.meaningOf(String(node['name']))];
    case 'Property':
      return ['Property', keyOf(node, meaningOf), node['kind'], meaningOf(node['value'])];
    case 'MemberExpression':
      return [
        'Member',
        meaningOf(node['object']),
        keyOf({ ...node, key: node['property'] }, meaningOf),
        node['optional'],
      ];
    default:
      return Object.keys(node)
        .filter((name) => !form.has(name))
        .sort()
        .map((name) => [name, meaningOf(node[name])]);
  }
}

function isNoEmptyStatement(item: unknown): boolean {
  return (item as Fields | null)?.['type'] !== 'EmptyStatement';
}

/** The name of a member: as it is, whether it is quoted or not; one that is computed is any expression. */
function keyOf({ key, computed }: Fields, meaningOf: (value: unknown) => unknown): unknown {
  const { type, name, value } = key as Fields;
  if (computed === true && type !== 'Literal') return [meaningOf(key)];
  return type === 'Identifier' || type === 'PrivateIdentifier' ? String(name) : String(value);
}

/** The fields by which a node declares names. */
const declaring: Readonly<Record<string, readonly string[]>> = {
  VariableDeclarator: ['id'],
  FunctionDeclaration: ['id', 'params'],
  FunctionExpression: ['id', 'params'],
  ArrowFunctionExpression: ['params'],
  ClassDeclaration: ['id'],
  ClassExpression: ['id'],
  CatchClause: ['param'],
};

function findDeclared([params, body]: readonly unknown[]): ReadonlySet<string> {
  const found = new Set<string>();
  addPattern(params, found);
  addDeclared(body, found);
  addDeclared(params, found);
  return found;
}

function addDeclared(value: unknown, found: Set<string>): void {
  if (Array.isArray(value)) for (const item of value) addDeclared(item, found);
  else if (typeof value === 'object' && value !== null && !(value instanceof RegExp)) {
    const node = value as Fields;
    for (const field of declaring[String(node['type'])] ?? []) addPattern(node[field], found);
    for (const part of Object.values(node)) addDeclared(part, found);
  }
}

/** What a pattern binds: names, and those in the objects and lists that it takes apart. */
function addPattern(value: unknown, found: Set<string>): void {
  if (Array.isArray(value)) {
    for (const item of value) addPattern(item, found);
    return;
  }
  const node = value as Fields | null | undefined;
  switch (node?.['type']) {
    case 'Identifier':
      found.add(String(node['name']));
      break;
    case 'ObjectPattern':
      addPattern(node['properties'], found);
      break;
    case 'Property':
      addPattern(node['value'], found);
      break;
    case 'ArrayPattern':
      addPattern(node['elements'], found);
      break;
    case 'AssignmentPattern':
      addPattern(node['left'], found);
      break;
    case 'RestElement':
      addPattern(node['argument'], found);
      break;
    default:
  }
}

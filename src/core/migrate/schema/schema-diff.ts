import { identityOf, type SchemaItem, type SchemaSnapshot } from '../../engine/schema-snapshot.ts';

/** One way in which a schema is not what it should be. */
export interface SchemaDifference {
  /** `missing`: it should be there. `unexpected`: it should not. `changed`: it is there, and not as it should be. */
  readonly kind: 'missing' | 'unexpected' | 'changed';
  /** What differs, from the outside in, such as `table users › column email › default`. */
  readonly path: string;
  /** What it should be; empty for `unexpected`, and where nothing should be there. */
  readonly expected: string;
  /** What it is; empty for `missing`, and where nothing is there. */
  readonly actual: string;
}

/**
 * Compares two schemas of one engine. Pure. A table that is missing is one difference, and not one for each of its
 * columns. A rename shows as something missing and something unexpected.
 *
 * @param expected what should be there
 * @param actual what is there
 * @returns nothing where they are the same
 * @example
 * for (const difference of diffSchemas(recorded, live)) console.log(describeDifference(difference));
 */
export function diffSchemas(expected: SchemaSnapshot, actual: SchemaSnapshot): readonly SchemaDifference[] {
  return diffItems(expected.items, actual.items, '');
}

/**
 * Says a difference in one line. A long text is cut to where it begins to differ. Pure.
 *
 * @param difference one that `diffSchemas` found
 * @returns such as `changed: table users › column email › default: expected 'none', found nothing`
 * @example
 * throw new Error(differences.map(describeDifference).join('\n'));
 */
export function describeDifference({ kind, path, expected, actual }: SchemaDifference): string {
  if (kind !== 'changed') {
    const text = cut(kind === 'missing' ? expected : actual, 0);
    return text === '' ? `${kind}: ${path}` : `${kind}: ${path}: ${text}`;
  }
  const start = commonLength(expected, actual);
  return `changed: ${path}: expected ${cut(expected, start) || 'nothing'}, found ${cut(actual, start) || 'nothing'}`;
}

function diffItems(
  expected: readonly SchemaItem[],
  actual: readonly SchemaItem[],
  parent: string,
): readonly SchemaDifference[] {
  const left = keyItems(expected);
  const right = keyItems(actual);
  const keys = [...new Set([...left.keys(), ...right.keys()])].sort();
  return keys.flatMap((key): readonly SchemaDifference[] => {
    const one = left.get(key);
    const other = right.get(key);
    if (one !== undefined && other !== undefined) return diffItem(one, other, parent);
    if (one !== undefined) {
      return [{ kind: 'missing', path: pathOf(one, parent), expected: summaryOf(one), actual: '' }];
    }
    return other === undefined
      ? []
      : [{ kind: 'unexpected', path: pathOf(other, parent), expected: '', actual: summaryOf(other) }];
  });
}

function diffItem(expected: SchemaItem, actual: SchemaItem, parent: string): readonly SchemaDifference[] {
  const path = pathOf(expected, parent);
  const facts = [...new Set([...Object.keys(expected.facts), ...Object.keys(actual.facts)])].sort();
  const changed = facts
    .map((fact): SchemaDifference => ({
      kind: 'changed',
      path: `${path} › ${fact}`,
      expected: expected.facts[fact] ?? '',
      actual: actual.facts[fact] ?? '',
    }))
    .filter((difference) => difference.expected !== difference.actual);
  return [...changed, ...diffItems(expected.parts, actual.parts, path)];
}

/** Two that have no name and the same facts, such as two equal CHECKs, are told apart by their number. */
function keyItems(items: readonly SchemaItem[]): Map<string, SchemaItem> {
  const keyed = new Map<string, SchemaItem>();
  for (const item of items) {
    const identity = identityOf(item);
    let count = 0;
    while (keyed.has(`${identity} ${count}`)) count += 1;
    keyed.set(`${identity} ${count}`, item);
  }
  return keyed;
}

function pathOf({ kind, name }: SchemaItem, parent: string): string {
  const own = name === '' ? `${kind} without a name` : `${kind} ${showName(name)}`;
  return parent === '' ? own : `${parent} › ${own}`;
}

/** A name that could be taken for something else, or would break the line, stands in quotes. */
function showName(name: string): string {
  return /^\s|\s$|[›:"\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(name) ? JSON.stringify(name) : name;
}

function summaryOf({ facts, parts }: SchemaItem): string {
  const { type, definition, ...others } = facts;
  const own = Object.entries(others).map(([fact, text]) => `${fact} ${text}`);
  const columns = parts.filter(({ kind }) => kind === 'column').length;
  if (columns > 0) own.push(columns === 1 ? '1 column' : `${columns} columns`);
  return [type, definition, ...own].filter((text) => text !== undefined).join(', ');
}

const longest = 160;

/** A text in one line, and of a long one the part around a place. */
function cut(text: string, around: number): string {
  const start = text.length <= longest ? 0 : Math.max(0, Math.min(around - 40, text.length - longest));
  const part = text
    .slice(start, start + longest)
    .replaceAll(/\s+/g, ' ')
    .trim();
  return `${start > 0 ? '… ' : ''}${part}${start + longest < text.length ? ' …' : ''}`;
}

function commonLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return length;
}

/** Random filters on things, of every operator. */
import fc from 'fast-check';
import { integers, memberNames, owners, reals, scalars, texts, type Json, type Thing } from './things.ts';

type Fields = Record<string, unknown>;

const fragments = [
  '%',
  '_',
  '\\%',
  '\\_',
  '\\\\',
  '\\a',
  'a',
  'A',
  'b',
  '*',
  '?',
  '[',
  ']',
  '[a]',
  '^',
  'é',
  '😀',
  '\n',
];
const patterns = fc.array(fc.constantFrom(...fragments), { maxLength: 5 }).map((parts) => parts.join(''));

function orNull<Value>(values: fc.Arbitrary<Value>): fc.Arbitrary<Value | null> {
  return fc.option(values, { nil: null, freq: 5 });
}

/** One or two operators, or the plain value. */
function conditions(
  values: fc.Arbitrary<unknown>,
  nullable: boolean,
  more: Record<string, fc.Arbitrary<unknown>> = {},
) {
  const operands = nullable ? orNull(values) : values;
  const operators: Record<string, fc.Arbitrary<unknown>> = {
    eq: operands,
    ne: operands,
    in: fc.array(operands, { maxLength: 4 }),
    lt: values,
    lte: values,
    gt: values,
    gte: values,
    isNull: fc.boolean(),
    ...more,
  };
  const one = fc
    .constantFrom(...Object.keys(operators))
    .chain((name) => operators[name]!.map((value): Fields => ({ [name]: value })));
  return fc.oneof(
    operands,
    one,
    fc.tuple(one, one).map(([left, right]): Fields => ({ ...left, ...right })),
  );
}

const textOperators = { like: patterns, contains: texts };

const paths = fc.array(fc.oneof(memberNames, fc.nat(2)), { minLength: 1, maxLength: 3 });

const jsonOperators: fc.Arbitrary<Fields> = fc.oneof(
  fc.record({ eq: scalars }),
  fc.record({ ne: scalars }),
  fc.record({ in: fc.array(scalars, { maxLength: 4 }) }),
  fc
    .constantFrom('lt', 'lte', 'gt', 'gte')
    .chain((name) => fc.oneof(texts, integers, reals).map((value) => ({ [name]: value }))),
  fc.record({ like: patterns }),
  fc.record({ contains: texts }),
  fc.record({ isNull: fc.boolean() }),
);

const pathFilters = fc
  .tuple(paths, jsonOperators)
  .map(([path, operators]): Fields => ({ path, ...operators }));

/** A scalar in a stored document, and the way to it. */
interface Leaf {
  readonly path: readonly (string | number)[];
  readonly value: string | number | boolean | null;
}

function leavesOf(value: Json, path: Leaf['path'] = []): Leaf[] {
  if (typeof value !== 'object' || value === null) return path.length === 0 ? [] : [{ path, value }];
  const members = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return members.flatMap(([name, member]) => leavesOf(member, [...path, name]));
}

/** Conditions on what is there: random paths hardly ever meet a document. */
function filtersOfLeaf({ path, value }: Leaf): fc.Arbitrary<Fields> {
  const ordered = typeof value === 'string' || typeof value === 'number' ? ['lt', 'lte', 'gt', 'gte'] : [];
  return fc.oneof(
    fc.constantFrom('eq', 'ne', ...ordered).map((name) => ({ path, [name]: value })),
    fc.array(scalars, { maxLength: 2 }).map((others) => ({ path, in: [...others, value] })),
    fc.boolean().map((isNull) => ({ path, isNull })),
  );
}

function jsonFiltersFor(documents: readonly Json[]): fc.Arbitrary<unknown> {
  const found = documents.flatMap((document) => leavesOf(document));
  const wild = { arbitrary: pathFilters, weight: 1 };
  const aimed = found.map((leaf) => ({ arbitrary: filtersOfLeaf(leaf), weight: 1 }));
  const onPath = fc.oneof({ ...wild, weight: Math.max(1, aimed.length) }, ...aimed);
  return fc.oneof(
    { arbitrary: onPath, weight: 3 },
    { arbitrary: fc.array(onPath, { minLength: 1, maxLength: 2 }), weight: 2 },
    fc.constant(null),
    fc.record({ isNull: fc.boolean() }),
  );
}

const bytes = fc.uint8Array({ maxLength: 2 });
const blobConditions = fc.oneof(
  orNull(bytes),
  fc.record({ eq: orNull(bytes) }),
  fc.record({ ne: orNull(bytes) }),
  fc.record({ isNull: fc.boolean() }),
);

const scalarConditions: Record<string, fc.Arbitrary<unknown>> = {
  name: conditions(texts, false, textOperators),
  label: conditions(texts, true, textOperators),
  owner: conditions(owners, true),
  score: conditions(integers, false),
  rank: conditions(integers, true),
  weight: conditions(reals, true),
  version: conditions(integers, false),
  bytes: blobConditions,
};

/** Random filters for rows: those on JSON often ask for what the rows hold. */
export function filtersFor(rows: readonly Pick<Thing, 'data'>[]): fc.Arbitrary<Fields> {
  const documents = rows.flatMap(({ data }) => (data === null ? [] : [JSON.parse(data) as Json]));
  const columnConditions: Record<string, fc.Arbitrary<unknown>> = {
    ...scalarConditions,
    data: jsonFiltersFor(documents),
  };
  const leaves = fc
    .constantFrom(...Object.keys(columnConditions), 'data')
    .chain((name) => columnConditions[name]!.map((condition): Fields => ({ [name]: condition })));
  return fc.letrec<{ filter: Fields }>((tie) => ({
    filter: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      leaves,
      fc.tuple(leaves, leaves).map(([left, right]) => ({ ...left, ...right })),
      fc.record({ and: fc.array(tie('filter'), { maxLength: 3 }) }),
      fc.record({ or: fc.array(tie('filter'), { maxLength: 3 }) }),
      fc.record({ not: tie('filter') }),
      fc.tuple(leaves, tie('filter')).map(([leaf, filter]) => ({ ...leaf, not: filter })),
      fc.constant({}),
    ),
  })).filter;
}

const sortable = ['name', 'label', 'owner', 'score', 'rank', 'weight', 'created_at', 'version'];

/** Up to three columns, each up, plainly or by name, or down. */
export const orders: fc.Arbitrary<string[]> = fc
  .uniqueArray(fc.constantFrom(...sortable), { maxLength: 3 })
  .chain((names) =>
    fc.tuple(
      ...names.map((name) => fc.constantFrom('', ' asc', ' desc').map((direction) => name + direction)),
    ),
  );

/** Random filters on things, of every operator. */
import fc from 'fast-check';
import { integers, memberNames, owners, reals, scalars, texts } from './things.ts';

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

const jsonFilters = fc.oneof(
  pathFilters,
  fc.array(pathFilters, { minLength: 1, maxLength: 2 }),
  fc.constant(null),
  fc.record({ isNull: fc.boolean() }),
);

const bytes = fc.uint8Array({ maxLength: 2 });
const blobConditions = fc.oneof(
  orNull(bytes),
  fc.record({ eq: orNull(bytes) }),
  fc.record({ ne: orNull(bytes) }),
  fc.record({ isNull: fc.boolean() }),
);

const columnConditions: Record<string, fc.Arbitrary<unknown>> = {
  name: conditions(texts, false, textOperators),
  label: conditions(texts, true, textOperators),
  owner: conditions(owners, true),
  score: conditions(integers, false),
  rank: conditions(integers, true),
  weight: conditions(reals, true),
  version: conditions(integers, false),
  data: jsonFilters,
  bytes: blobConditions,
};

const leaves = fc
  .constantFrom(...Object.keys(columnConditions))
  .chain((name) => columnConditions[name]!.map((condition): Fields => ({ [name]: condition })));

export const filters: fc.Arbitrary<Fields> = fc.letrec<{ filter: Fields }>((tie) => ({
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

const sortable = ['name', 'label', 'owner', 'score', 'rank', 'weight', 'created_at', 'version'];

/** Up to three columns, each up, plainly or by name, or down. */
export const orders: fc.Arbitrary<string[]> = fc
  .uniqueArray(fc.constantFrom(...sortable), { maxLength: 3 })
  .chain((names) =>
    fc.tuple(
      ...names.map((name) => fc.constantFrom('', ' asc', ' desc').map((direction) => name + direction)),
    ),
  );

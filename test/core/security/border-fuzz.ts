/** Random calls of a repository's methods on behalf of one user among several, and what they let through. */
import fc from 'fast-check';
import type { Kysely } from 'kysely';
import { ForbiddenError } from '../../../src/core/foundation/errors/security-errors.ts';
import { NotFoundError } from '../../../src/core/foundation/errors/entity-errors.ts';
import { UniqueViolationError } from '../../../src/core/foundation/errors/constraint-errors.ts';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import type { Filter } from '../../../src/core/query/filter.ts';
import type { OrderBy } from '../../../src/core/query/order.ts';
import { matches } from '../repository/filter-model.ts';
import { filtersFor, orders } from '../repository/random-filter.ts';
import {
  makeThing,
  type Tables,
  type Thing,
  type ThingRepository,
  type ThingsTable,
} from '../repository/things.ts';

export const users = [
  '00000001-aaaa-4bbb-8ccc-dddddddddd01',
  '00000002-aaaa-4bbb-8ccc-dddddddddd02',
  '00000003-aaaa-4bbb-8ccc-dddddddddd03',
] as const;

/** The methods of a repository; whether they are kept within a user's rows is what is asked. */
export type Methods = Omit<ThingRepository, 'rebind' | 'table'>;

interface Call {
  readonly methods: Methods;
  readonly me: string;
  /** Every row, of whomever. */
  readonly rows: readonly Thing[];
  readonly mine: readonly Thing[];
  readonly filter: Filter<ThingsTable, { data: unknown }>;
  readonly orderBy: OrderBy<Omit<ThingsTable, 'data'>>;
  /** Some row, most often somebody else's. */
  readonly row: Thing;
  readonly on: Kysely<Tables> | undefined;
}

/** What a call may come to: the rows that it may have seen, or how many. */
type Outcome =
  | { readonly saw: readonly unknown[]; readonly expected?: readonly Thing[] }
  | { readonly told: unknown; readonly expected: unknown };

const matching = ({ mine, filter }: Call): Thing[] =>
  mine.filter((row) => matches(row, filter as Record<string, unknown>));
const seen = (entity: Thing | undefined): Thing[] => (entity === undefined ? [] : [entity]);

async function collect(entities: AsyncIterable<Thing>): Promise<Thing[]> {
  const all: Thing[] = [];
  for await (const entity of entities) all.push(entity);
  return all;
}

const variants = (call: Call): Thing[] => [
  call.row,
  { ...call.row, owner: call.me },
  { ...call.row, owner: users.find((user) => user !== call.me) ?? null },
  { ...call.row, owner: null },
];
const variant = (call: Call): Thing => {
  const all = variants(call);
  return all[Math.floor((call.row.score + call.rows.length) % all.length)] ?? call.row;
};
const fresh = (call: Call): Thing => ({ ...variant(call), id: crypto.randomUUID() });

/** A call of each method, by its name. */
export const calls: Readonly<Record<keyof Methods, (call: Call) => Promise<Outcome>>> = {
  findById: async ({ methods, row, on }) => ({ saw: seen(await methods.findById(row.id, { on })) }),
  getById: async ({ methods, row, on }) => ({ saw: [await methods.getById(row.id, { on })] }),
  findMany: async (call) => ({
    saw: await call.methods.findMany(call.filter, { orderBy: call.orderBy, on: call.on }),
    expected: matching(call),
  }),
  findFirst: async ({ methods, filter, orderBy, on }) => ({
    saw: seen(await methods.findFirst(filter, { orderBy, on })),
  }),
  page: async (call) => {
    const { methods, filter, orderBy, on } = call;
    const saw: Thing[] = [];
    let after: string | undefined;
    do {
      const page = await methods.page(filter, { orderBy, limit: 3, after, on });
      saw.push(...page.items);
      after = page.nextCursor;
    } while (after !== undefined);
    return { saw, expected: matching(call) };
  },
  count: async (call) => ({
    told: await call.methods.count(call.filter, { on: call.on }),
    expected: matching(call).length,
  }),
  exists: async ({ methods, me, row, on }) => ({
    told: await methods.exists({ id: row.id }, { on }),
    expected: row.owner === me,
  }),
  stream: async (call) => ({
    saw: await collect(
      call.methods.stream(call.filter, { orderBy: call.orderBy, chunkSize: 2, on: call.on }),
    ),
    expected: matching(call),
  }),
  query: async (call) => {
    const { methods, on } = call;
    const saw = await methods.query({ on }).selectAll().clearWhere().execute();
    const joined = await methods
      .query({ on })
      .rightJoin('things as others', 'others.owner', 'things.owner')
      .selectAll('others')
      .execute();
    return { saw: [...saw, ...joined] };
  },
  toEntity: ({ methods, mine }) =>
    Promise.resolve({ saw: mine.slice(0, 1).map((row) => methods.toEntity(row)) }),
  insert: async (call) => ({ saw: [await call.methods.insert(fresh(call), { on: call.on })] }),
  insertMany: async (call) => {
    const rows = [{ ...fresh(call), owner: call.me }, fresh(call)];
    await call.methods.insertMany(rows, { on: call.on });
    return { saw: rows };
  },
  insertMissing: async (call) => {
    const rows = [{ ...call.row, owner: call.me }, fresh(call)];
    return { saw: await call.methods.insertMissing(rows, { on: call.on }) };
  },
  update: async (call) => ({
    saw: [await call.methods.update({ ...variant(call), name: 'taken' }, { on: call.on })],
  }),
  delete: async (call) => {
    await call.methods.delete(variant(call), { on: call.on });
    return { saw: [] };
  },
  deleteById: async ({ methods, me, row, on }) => ({
    told: await methods.deleteById(row.id, { on }),
    expected: row.owner === me,
  }),
  upsert: async (call) => ({
    saw: [await call.methods.upsert({ ...variant(call), name: 'taken' }, { on: call.on })],
  }),
};

const refusals = [ForbiddenError, NotFoundError, UniqueViolationError];

/**
 * Makes random calls and gives back what crossed the border, a line each; none where it holds.
 *
 * @param names the methods that are called
 * @param methodsOf what is called on behalf of a user
 */
export async function findLeaks(
  provider: DatabaseProvider<Tables>,
  raw: ThingRepository,
  {
    names,
    count,
    seed,
    methodsOf,
    asUser,
  }: {
    readonly names: readonly (keyof Methods)[];
    readonly count: number;
    readonly seed: number;
    readonly methodsOf: (user: string) => Methods;
    readonly asUser: <Result>(user: string, work: () => Promise<Result>) => Promise<Result>;
  },
): Promise<string[]> {
  const leaks: string[] = [];
  const plans = fc.sample(
    fc.record({
      name: fc.constantFrom(...names),
      me: fc.constantFrom(...users),
      filter: filtersFor([]),
      order: orders,
      pick: fc.nat(),
      inTransaction: fc.integer({ min: 0, max: 3 }).map((number) => number === 0),
    }),
    { numRuns: count, seed },
  );
  let rows = await plant(provider, raw);
  for (const { name, me, filter, order, pick, inTransaction } of plans) {
    const others = rows.filter(({ owner }) => owner !== me);
    const pool = pick % 4 === 0 ? rows : others;
    const run = async (on: Kysely<Tables> | undefined): Promise<void> => {
      const call: Call = {
        methods: methodsOf(me),
        me,
        rows,
        mine: rows.filter(({ owner }) => owner === me),
        filter,
        orderBy: order as unknown as Call['orderBy'],
        row: pool[pick % pool.length]!,
        on,
      };
      const outcome = await asUser(me, () => calls[name](call));
      if ('told' in outcome) {
        if (outcome.told !== outcome.expected) leaks.push(`${name}: told of ${String(outcome.told)}`);
        return;
      }
      const ids = new Set((outcome.saw as Thing[]).map(({ id }) => id));
      if ((outcome.saw as Thing[]).some(({ owner }) => owner !== me))
        leaks.push(`${name}: saw somebody else's`);
      if (outcome.expected !== undefined && ids.size !== outcome.expected.length)
        leaks.push(`${name}: saw ${ids.size}`);
    };
    try {
      await (inTransaction ? provider.transaction((tx) => run(tx)) : run(undefined));
    } catch (error) {
      if (!refusals.some((refusal) => error instanceof refusal)) throw error;
    }
    const now = await raw.findMany({});
    const untouched = JSON.stringify(now.filter(({ owner }) => owner !== me)) === JSON.stringify(others);
    if (!untouched) leaks.push(`${name}: changed somebody else's`);
    rows = !untouched || now.length < 30 || now.length > 60 ? await plant(provider, raw) : now;
  }
  return leaks;
}

async function plant(provider: DatabaseProvider<Tables>, raw: ThingRepository): Promise<Thing[]> {
  await provider.db.deleteFrom('things').execute();
  const rows = [...users, null].flatMap((owner, place) =>
    Array.from({ length: 11 }, (_, index) =>
      makeThing({
        owner,
        score: index % 4,
        rank: index % 3 === 0 ? null : place,
        label: 'a'.repeat(index % 3),
      }),
    ),
  );
  await raw.insertMany(rows);
  return raw.findMany({});
}

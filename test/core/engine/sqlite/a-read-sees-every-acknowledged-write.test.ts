import Database from 'better-sqlite3';
import { expect } from 'chai';
import fc from 'fast-check';
import { CompiledQuery, sql } from 'kysely';
import { DatabaseProviderFactory, type DatabaseProvider } from '../../../../src/core/index.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { soakCount } from '../../../support/engines.ts';
import { passMicrotasks } from '../../../support/microtasks.ts';
import { runInAnotherProcess } from './another-process.ts';

interface Tables {
  counter: { value: number };
}

type Provider = DatabaseProvider<Tables>;

const increment = CompiledQuery.raw('update counter set value = value + 1', []);
const read = CompiledQuery.raw('select value from counter', []) as CompiledQuery<{ value: number }>;

/** Each way to write; each adds one. */
const writes: Record<string, (provider: Provider) => Promise<unknown>> = {
  kysely: ({ db }) => sql`update counter set value = value + 1`.execute(db),
  direct: ({ direct }) => direct!.execute(increment),
  batch: ({ direct }) => direct!.batch([read, increment, read]),
  transaction: (provider) =>
    provider.transaction((tx) => sql`update counter set value = value + 1`.execute(tx)),
  pinned: ({ db }) =>
    db.connection().execute(async (one) => {
      await sql`savepoint here`.execute(one);
      await sql`update counter set value = value + 1`.execute(one);
      await sql`release here`.execute(one);
    }),
};

const valueOf = ({ rows }: { rows: readonly { value: number }[] }) => rows[0]?.value ?? NaN;

/** Each way to read. */
const reads: Record<string, (provider: Provider) => Promise<number>> = {
  kysely: async ({ db }) => valueOf(await sql<{ value: number }>`select value from counter`.execute(db)),
  direct: async ({ direct }) => valueOf(await direct!.execute(read)),
  batch: async ({ direct }) => valueOf((await direct!.batch([read, read]))[1] as never),
  snapshot: (provider) =>
    provider.transaction(
      async (tx) => valueOf(await sql<{ value: number }>`select value from counter`.execute(tx)),
      { readOnly: true },
    ),
  stream: async ({ db }) => {
    const one = db.selectFrom('counter').select('value');
    // Left early: what stays open of it would keep its snapshot.
    for await (const { value } of one.unionAll(one).unionAll(one).stream(1)) return value;
    return NaN;
  },
};

const task = fc.record({
  kind: fc.constantFrom('write', 'read', 'read', 'read'),
  write: fc.constantFrom(...Object.keys(writes)),
  read: fc.constantFrom(...Object.keys(reads)),
  on: fc.nat({ max: 1 }),
  pause: fc.nat({ max: 6 }),
  times: fc.constantFrom(1, 1, 12),
});

for (const name of ['sqlite-file', 'sqlite-memory'] as const) {
  describeOnDatabase(name, 'a read sees every write that was acknowledged before it began', (database) => {
    const opened: Provider[] = [];

    async function open(): Promise<readonly [Provider, Provider]> {
      const url = await database.freshUrl();
      const make = () => {
        const provider = DatabaseProviderFactory.createProvider<Tables>({
          url,
          connection: { durability: 'normal' },
        });
        opened.push(provider);
        return provider;
      };
      const first = make();
      await first.exec('create table counter (value integer not null) strict');
      await first.exec('insert into counter values (0)');
      // In memory each provider has a database of its own.
      return [first, name === 'sqlite-memory' ? first : make()];
    }

    afterEach(() => Promise.all(opened.splice(0).map((provider) => provider.close())));

    it('whatever runs beside it, by every way, also through another provider of the process', async () => {
      const providers = await open();
      let acknowledged = 0;
      let begun = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(fc.array(task, { maxLength: 8 }), { maxLength: 5 }), async (branches) => {
          const run = async (steps: (typeof branches)[number]) => {
            for (const step of steps) {
              const provider = providers[step.on] as Provider;
              for (let time = 0; time < step.times; time += 1) {
                if (step.kind === 'write') {
                  begun += 1;
                  await writes[step.write]?.(provider);
                  acknowledged += 1;
                } else {
                  const atLeast = acknowledged;
                  const value = await reads[step.read]?.(provider);
                  expect(value).to.be.within(atLeast, begun);
                }
              }
              await passMicrotasks(step.pause);
            }
          };
          await Promise.all(branches.map(run));
          expect(await reads['direct']?.(providers[0])).to.equal(acknowledged);
        }),
        { numRuns: soakCount(1_000) },
      );
    });

    if (name === 'sqlite-file') {
      it('also where another library of the thread made it, between two turns with few reads', async () => {
        for (let before = 1; before <= 10; before += 1) {
          const [provider] = await open();
          const other = new Database(await fileOf(provider));
          for (let time = 0; time < before; time += 1) await provider.direct!.execute(read);
          await new Promise(setImmediate);
          await provider.direct!.execute(read);
          other.exec('update counter set value = value + 1');
          other.close();
          expect(valueOf(await provider.direct!.execute(read))).to.equal(1);
        }
      });

      it('also where another process made it', async () => {
        const [provider] = await open();
        for (let count = 1; count <= 3; count += 1) {
          for (let time = 0; time < 50; time += 1) await provider.direct!.execute(read);
          await runInAnotherProcess(
            `sqlite:${await fileOf(provider)}`,
            'update counter set value = value + 1',
          );
          expect(valueOf(await provider.direct!.execute(read))).to.equal(count);
        }
      });
    }
  });
}

async function fileOf(provider: Provider): Promise<string> {
  const [row] = await provider.query<{ file: string }>('pragma database_list');
  return row?.file ?? '';
}

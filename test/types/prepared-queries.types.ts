/** What must not compile when queries are prepared and batched. Checked by `tsc`; it never runs. */
import { sql, type InsertResult } from 'kysely';
import { prepare, type DatabaseProvider, type Param } from '../../src/core/index.ts';

interface Tables {
  notes: { id: string; title: string; version: number };
}

declare const provider: DatabaseProvider<Tables>;

const byId = prepare(provider, (db, param: Param<{ id: string }>) =>
  db.selectFrom('notes').select(['id', 'version']).where('id', '=', param('id')),
);
const add = prepare(provider, (db, param: Param<{ id: string; title: string }>) =>
  db.insertInto('notes').values({ id: param('id'), title: param('title'), version: 1 }),
);
const open = prepare(provider, (db, param) =>
  db.selectFrom('notes').select('title').where('id', '=', param('whatever')),
);
const counted = prepare(
  provider,
  (_db, param: Param<{ title: string }>) =>
    sql<{ n: number }>`select count(*) as n from notes where title = ${param('title')}`,
);

export async function right(): Promise<void> {
  const rows: { id: string; version: number }[] = await byId.execute({ id: 'a' });
  const row: { id: string; version: number } | undefined = await byId.first({ id: 'a' });
  const [result]: InsertResult[] = await add.execute({ id: 'a', title: 't' });
  const titles: { title: string }[] = await open.execute({ whatever: 1 });
  const [count]: { n: number }[] = await counted.execute({ title: 't' });
  const [added, found, plain]: [InsertResult[], { id: string; version: number }[], { title: string }[]] =
    await provider.batch([
      add.with({ id: 'a', title: 't' }),
      byId.with({ id: 'a' }),
      provider.db.selectFrom('notes').select('title'),
    ]);
  void [rows, row, result, titles, count, added, found, plain];
}

export const wrong = {
  aParameterOfAnotherType: () =>
    // @ts-expect-error the parameter is a string
    byId.execute({ id: 1 }),
  aParameterTooFew: () =>
    // @ts-expect-error `title` is missing
    add.execute({ id: 'a' }),
  aParameterTooMany: () =>
    // @ts-expect-error there is no parameter `titel`
    byId.with({ id: 'a', titel: 't' }),
  aNameThatWasNotDeclared: () =>
    prepare(provider, (db, param: Param<{ id: string }>) =>
      // @ts-expect-error the declared parameters are typed
      db.selectFrom('notes').select('id').where('id', '=', param('key')),
    ),
  aParameterThatDoesNotFitItsColumn: () =>
    prepare(provider, (db, param: Param<{ version: boolean }>) =>
      // @ts-expect-error the column holds numbers
      db.selectFrom('notes').select('id').where('version', '=', param('version')),
    ),
  aColumnThatWasNotSelected: async () =>
    // @ts-expect-error the rows are typed
    (await byId.firstOrThrow({ id: 'a' })).title,
  aMemberThatIsNoStatement: () =>
    // @ts-expect-error a prepared query lacks its parameters
    provider.batch([byId]),
  aResultOfAnotherMember: async () =>
    // @ts-expect-error results are typed by their place
    (await provider.batch([byId.with({ id: 'a' }), open.with({})]))[1][0]?.version,
};

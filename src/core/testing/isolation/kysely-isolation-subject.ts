import { sql, type QueryExecutorProvider } from 'kysely';
import { assertNotProduction } from '../assert-not-production.ts';
import type { TransactionSource } from '../transaction-source.ts';
import type { IsolationScope, IsolationSubject } from './isolation-subject.ts';

/** How the isolation check uses a database. */
export interface IsolationSubjectOptions {
  /** The table of the check; made where it is missing, and emptied. `liminal_isolation_check` by default. */
  readonly table?: string;
}

interface ListRow {
  readonly name: string;
  readonly list: string;
}

const rowsAtOnce = 500;

/**
 * Whatever hands out Kysely handles, as the isolation check sees it: a provider, a unit of work, or Kysely alone. It
 * makes one small table, and leaves it there.
 *
 * @param source runs the transactions
 * @param options the table
 * @returns the subject, for `checkIsolation`
 * @throws ConfigurationError with `NODE_ENV=production`
 * @example
 * const report = await checkIsolation(kyselyIsolationSubject(provider), { isolation: 'serializable' });
 */
export function kyselyIsolationSubject(
  source: TransactionSource,
  options: IsolationSubjectOptions = {},
): IsolationSubject {
  assertNotProduction();
  const { db } = source;
  const table = sql.table(options.table ?? 'liminal_isolation_check');
  return {
    async reset(keys) {
      await sql`create table if not exists ${table} (name text primary key, list text not null)`.execute(db);
      await sql`delete from ${table}`.execute(db);
      for (let start = 0; start < keys.length; start += rowsAtOnce) {
        const rows = keys.slice(start, start + rowsAtOnce).map((key) => sql`(${key}, '')`);
        await sql`insert into ${table} (name, list) values ${sql.join(rows)}`.execute(db);
      }
    },
    transaction: (work, { isolation, readOnly }) =>
      source.transaction((tx) => work(scopeOn(table, tx)), {
        ...(isolation === undefined ? {} : { isolation }),
        readOnly,
      }),
    async readAll() {
      const { rows } = await sql<ListRow>`select name, list from ${table}`.execute(db);
      return new Map(rows.map(({ name, list }) => [name, parseList(list)]));
    },
  };
}

function scopeOn(table: ReturnType<typeof sql.table>, tx: QueryExecutorProvider): IsolationScope {
  return {
    async read(key) {
      const { rows } = await sql<ListRow>`select name, list from ${table} where name = ${key}`.execute(tx);
      return parseList(rows[0]?.list ?? '');
    },
    async append(key, value) {
      const added = `${value} `;
      await sql`update ${table} set list = list || ${added} where name = ${key}`.execute(tx);
    },
  };
}

/** The values stand one after the other, with a space behind each. */
function parseList(list: string): number[] {
  return list.split(' ').filter(Boolean).map(Number);
}

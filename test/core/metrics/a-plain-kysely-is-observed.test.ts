import BetterSqlite3 from 'better-sqlite3';
import { expect } from 'chai';
import { Kysely, SqliteDialect, type KyselyConfig, type LogEvent } from 'kysely';
import type { StatementEvent } from '../../../src/core/index.ts';
import { createQueryMetrics, observeKysely, ValidationError } from '../../../src/core/metrics/index.ts';
import { recordingLogger } from '../../support/recording-logger.ts';

interface Tables {
  items: { id: number; name: string };
}

function open(config: Partial<KyselyConfig>, options: Parameters<typeof observeKysely>[1]): Kysely<Tables> {
  const dialect = new SqliteDialect({ database: async () => new BetterSqlite3(':memory:') });
  return new Kysely<Tables>(observeKysely({ dialect, ...config }, options));
}

async function fill(db: Kysely<Tables>): Promise<void> {
  await db.schema
    .createTable('items')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .execute();
  await db.schema.alterTable('items').addColumn('name', 'text').execute();
  await db
    .insertInto('items')
    .values([1, 2, 3, 4].map((id) => ({ id, name: `s3cr3t ${id}` })))
    .execute();
}

describe('a plain Kysely is observed', () => {
  it('calls, rows, failures and streams meet by the id of the query', async () => {
    const metrics = createQueryMetrics();
    const db = open({}, { metrics });
    await fill(db);
    metrics.reset();
    const three = db.selectFrom('items').select('id').where('id', '<=', 3);
    await Promise.all([three.execute(), three.execute(), db.selectFrom('items').selectAll().execute()]);
    await db.transaction().execute((tx) => tx.selectFrom('items').select('name').execute());
    await db
      .insertInto('items')
      .values({ id: 1, name: 'x' })
      .execute()
      .catch(() => undefined);
    let seen = 0;
    for await (const _ of db.selectFrom('items').select(['id', 'name']).stream(1)) seen += 1;
    expect(seen).to.equal(4);
    await db.destroy();
    const figures = Object.fromEntries(
      metrics.queries().map(({ text, calls, rows, failures }) => [text, [calls, rows, failures]]),
    );
    expect(figures['select id from items where id <= ?']).to.deep.equal([2, 6, 0]);
    expect(figures['select id, name from items']).to.deep.equal([1, 4, 0]);
    expect(figures['select * from items']).to.deep.equal([1, 4, 0]);
    expect(figures['select name from items']).to.deep.equal([1, 4, 0]);
    expect(figures['insert into items (id, name) values (…)']).to.deep.equal([1, 0, 1]);
    expect(JSON.stringify(metrics.queries())).not.to.contain('s3cr3t');
  });

  it('its own log and plugins go on, and slow ones are warned of', async () => {
    const logger = recordingLogger();
    const own: LogEvent[] = [];
    const heard: StatementEvent[] = [];
    const db = open(
      { log: (event) => void own.push(event) },
      { logger, slowQueryThreshold: 1e-6, onStatement: (event) => void heard.push(event) },
    );
    await fill(db);
    await db.destroy();
    expect(own).to.have.length(3);
    expect(heard.map(({ sql }) => sql)).to.deep.equal(own.map(({ query }) => query.sql));
    expect(logger.lines.filter(({ message }) => message === 'slow query')).to.have.length(3);
    expect(JSON.stringify(logger.lines)).not.to.contain('s3cr3t');
  });

  it('where nobody listens the configuration stays what it was', () => {
    const config = { dialect: new SqliteDialect({ database: new BetterSqlite3(':memory:') }) };
    expect(observeKysely(config, { slowQueryThreshold: 0 })).to.equal(config);
    expect(() => observeKysely(config, { slowQueryThreshold: -1 })).to.throw(ValidationError);
  });
});

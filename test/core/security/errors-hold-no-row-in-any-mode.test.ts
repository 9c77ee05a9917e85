/** C9: what a database says of rows and parameters leaves in no error, and nothing switches that off. */
import { expect } from 'chai';
import { inspect } from 'node:util';
import {
  DatabaseProviderFactory,
  isLiminalDataError,
  parseDatabaseConfig,
  type DatabaseProvider,
} from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';

interface Tables {
  people: { id: number; email: string | null; age: number; friend: number | null };
}

const canary = 'canary-ann@example.org';
/** The fields of pg that repeat rows, parameters and pieces of functions; `position` and `line` point into them. */
const fieldsOfDrivers = [
  'detail',
  'hint',
  'where',
  'internalQuery',
  'dataType',
  'parameters',
  'query',
  'sql',
];

describeOnEachDatabase('an error holds no row (C9)', (database) => {
  const environment = process.env['NODE_ENV'];
  afterEach(() => {
    if (environment === undefined) delete process.env['NODE_ENV'];
    else process.env['NODE_ENV'] = environment;
  });

  const failures: Readonly<Record<string, (db: DatabaseProvider<Tables>) => Promise<unknown>>> = {
    'a unique value': ({ db }) =>
      db
        .insertInto('people')
        .values([1, 2].map((id) => ({ id, email: canary, age: 1, friend: null })))
        .execute(),
    'a foreign key': ({ db }) =>
      db.insertInto('people').values({ id: 3, email: canary, age: 1, friend: 99 }).execute(),
    'a check': ({ db }) =>
      db.insertInto('people').values({ id: 3, email: canary, age: -1, friend: null }).execute(),
    'a NOT NULL': ({ db }) =>
      db
        .insertInto('people')
        .values({ id: 3, email: canary, age: null as never, friend: null })
        .execute(),
    'a value of another kind': ({ db }) =>
      db
        .insertInto('people')
        .values({ id: 3, email: null, age: canary as never, friend: null })
        .execute(),
    'raw SQL': (provider) =>
      provider.query(`select ${provider.type === 'postgres' ? '$1::text' : '?'} as email from nobody`, [
        canary,
      ]),
  };

  for (const mode of ['development', 'production', undefined]) {
    for (const debug of [false, true]) {
      it(`with NODE_ENV ${mode ?? 'unset'} and debug ${debug}`, async () => {
        if (mode === undefined) delete process.env['NODE_ENV'];
        else process.env['NODE_ENV'] = mode;
        const logged: unknown[] = [];
        const log = (...line: unknown[]) => void logged.push(line);
        const config = { ...(parseDatabaseConfig(await database.freshUrl()) as object), debug };
        await using provider = DatabaseProviderFactory.createProvider<Tables>(config as never, {
          logger: { debug: log, info: log, warn: log, error: log },
        });
        await provider.exec(`create table people (
          id integer primary key, email text unique, age integer not null check (age >= 0),
          friend integer references people (id)) ${provider.type === 'sqlite' ? 'strict' : ''}`);
        for (const [what, fail] of Object.entries(failures)) {
          const error = await rejectionOf(fail(provider));
          expect(isLiminalDataError(error), what).to.equal(true);
          for (let each: unknown = error; each instanceof Error; each = each.cause) {
            expect(Object.getOwnPropertyNames(each), what).not.to.include.members(fieldsOfDrivers);
            for (const field of fieldsOfDrivers) expect(each, what).not.to.have.property(field);
          }
          const shown = `${inspect(error, { depth: 10, showHidden: true })} ${JSON.stringify(error)}`;
          expect(shown, what).not.to.contain(canary);
        }
        expect(inspect(logged, { depth: 10, maxStringLength: null }), 'the log').not.to.contain(canary);
        expect(logged.length > 0).to.equal(debug);
      });
    }
  }
});

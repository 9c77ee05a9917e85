import { expect } from 'chai';
import fc from 'fast-check';
import {
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  DummyDriver,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
  type Compilable,
} from 'kysely';
import { postgresVocabulary } from '../../../src/core/engine/postgres/postgres-vocabulary.ts';
import { sqliteVocabulary } from '../../../src/core/engine/sqlite/sqlite-vocabulary.ts';
import { ParameterRedaction, checkLoggableColumns } from '../../../src/core/metrics/redacted-parameters.ts';
import { cpuTimeOf } from '../../support/cpu-time.ts';
import { soakCount } from '../../support/engines.ts';

interface Tables {
  threads: { id: number; status: string; secret: string; count: number };
  users: { id: number; status: string; secret: string };
}

const engines = {
  sqlite: {
    rules: sqliteVocabulary.lexicalRules,
    db: new Kysely<Tables>({
      dialect: {
        createAdapter: () => new SqliteAdapter(),
        createDriver: () => new DummyDriver(),
        createIntrospector: (db) => new SqliteIntrospector(db),
        createQueryCompiler: () => new SqliteQueryCompiler(),
      },
    }),
  },
  postgres: {
    rules: postgresVocabulary.lexicalRules,
    db: new Kysely<Tables>({
      dialect: {
        createAdapter: () => new PostgresAdapter(),
        createDriver: () => new DummyDriver(),
        createIntrospector: (db) => new PostgresIntrospector(db),
        createQueryCompiler: () => new PostgresQueryCompiler(),
      },
    }),
  },
};

/** Parameters that say `status` may be logged, and those that begin with `hidden` may not. */
const cases: Readonly<Record<string, (db: Kysely<Tables>) => Compilable>> = {
  'a comparison': (db) =>
    db.selectFrom('threads').selectAll().where('status', '=', 'shown-1').where('secret', '=', 'hidden-1'),
  'any of a list': (db) =>
    db
      .selectFrom('threads')
      .selectAll()
      .where('status', 'in', ['shown-1', 'shown-2'])
      .where('secret', 'in', ['hidden-1']),
  'none of a list': (db) =>
    db.selectFrom('threads').selectAll().where('status', 'not in', ['shown-1', 'shown-2']),
  'a pattern': (db) =>
    db
      .selectFrom('threads')
      .selectAll()
      .where('status', 'like', 'shown%')
      .where('secret', 'not like', 'hidden%'),
  'rows that are inserted': (db) =>
    db.insertInto('threads').values([
      { id: 1, status: 'shown-1', secret: 'hidden-1', count: 1 },
      { id: 2, status: 'shown-2', secret: 'hidden-2', count: 1 },
    ]),
  'a row with an expression in it': (db) =>
    db.insertInto('threads').values({
      id: 1,
      status: sql`lower(${'hidden-1'})`,
      secret: sql`${'hidden-2'} || ${'hidden-3'}`,
      count: 1,
    }),
  'what an upsert sets': (db) =>
    db
      .insertInto('threads')
      .values({ id: 1, status: 'shown-1', secret: 'hidden-1', count: 1 })
      .onConflict((on) => on.column('id').doUpdateSet({ status: 'shown-2', secret: 'hidden-2' })),
  'what an update sets': (db) =>
    db.updateTable('threads').set({ secret: 'hidden-1', status: 'shown-1' }).where('status', '<>', 'shown-2'),
  'a qualified column': (db) =>
    db
      .selectFrom('threads as t')
      .selectAll()
      .where('t.status', '=', 'shown-1')
      .where('t.secret', '=', 'hidden-1'),
  'a range': (db) =>
    db
      .selectFrom('threads')
      .selectAll()
      .where((eb) => eb.between('status', 'shown-1', 'shown-2')),
  'an expression on the left': (db) =>
    db
      .selectFrom('threads')
      .selectAll()
      .where(sql<boolean>`secret || status = ${'hidden-1'}`),
  'an expression on the right': (db) =>
    db
      .selectFrom('threads')
      .selectAll()
      .where(sql<boolean>`status = ${'hidden-1'} || secret`),
  'a parameter first': (db) =>
    db
      .selectFrom('threads')
      .selectAll()
      .where(sql<boolean>`${'hidden-1'} = status`),
  'a selected value': (db) => db.selectFrom('threads').select(sql`${'hidden-1'}`.as('status')),
  'a string that looks like one': (db) =>
    db
      .selectFrom('threads')
      .selectAll()
      .where(sql<boolean>`secret = 'status =' and secret = ${'hidden-1'}`),
  'a comment that looks like one': (db) =>
    db
      .selectFrom('threads')
      .selectAll()
      .where(sql<boolean>`secret = /* and status = */ ${'hidden-1'}`),
  'an insert of a select': (db) =>
    db
      .insertInto('threads')
      .columns(['id', 'status'])
      .expression((eb) => eb.selectFrom('users').select(['id', sql<string>`${'hidden-1'}`.as('status')])),
};

describe('a value is logged only where its column may be', () => {
  for (const [name, { rules, db }] of Object.entries(engines)) {
    const describeParameters = (query: Compilable, loggable: readonly string[]) => {
      const { sql: text, parameters } = query.compile();
      return { told: new ParameterRedaction(rules, loggable).describe(text, parameters), parameters };
    };

    for (const [what, make] of Object.entries(cases)) {
      it(`${what} [${name}]`, () => {
        for (const loggable of ['status', 'threads.status']) {
          const { told, parameters } = describeParameters(make(db), [loggable]);
          parameters.forEach((value, index) => {
            const isShown = typeof value === 'string' && value.startsWith('shown');
            if (isShown) expect(told[index], `${what} ${loggable}`).to.equal(value);
            else expect(told[index], `${what} ${loggable}`).to.match(/^\[redacted: /u);
          });
        }
        const { told } = describeParameters(make(db), []);
        expect(JSON.stringify(told)).not.to.match(/shown|hidden/u);
      });
    }

    it(`of one table and not of the others [${name}]`, () => {
      const joined = db
        .selectFrom('threads')
        .innerJoin('users', 'users.id', 'threads.id')
        .selectAll()
        .where('threads.status', '=', 'shown')
        .where('users.status', '=', 'hidden')
        .where(sql<boolean>`status = ${'hidden'}`);
      const { told } = describeParameters(joined, ['threads.status']);
      expect(told).to.deep.equal(['shown', '[redacted: text 6]', '[redacted: text 6]']);
    });

    it(`and not of what is only called like the table [${name}]`, () => {
      const derived = db
        .selectFrom((eb) => eb.selectFrom('users').select('users.secret as status').as('threads'))
        .selectAll()
        .where('threads.status', '=', 'hidden');
      const common = db
        .with('threads', (cte) => cte.selectFrom('users').select('users.secret as status'))
        .selectFrom('threads')
        .selectAll()
        .where('threads.status', '=', 'hidden');
      const own = db
        .selectFrom((eb) => eb.selectFrom('threads').select('threads.secret as status').as('threads'))
        .selectAll()
        .where('threads.status', '=', 'hidden');
      const listed = db
        .with('threads(id, status)', (cte) =>
          cte.selectFrom('users').select(['users.id', 'users.secret as status']),
        )
        .selectFrom('threads')
        .selectAll()
        .where('threads.status', '=', 'hidden');
      const other = db.selectFrom('users as threads').selectAll().where('threads.status', '=', 'hidden');
      for (const query of [derived, common, listed, own, other]) {
        expect(describeParameters(query, ['threads.status']).told).to.deep.equal(['[redacted: text 6]']);
      }
    });

    it(`and a sealed value never, whatever is declared [${name}]`, () => {
      const sealed = 'liminal:1:k1a2b3c4d5e:AAAA:BBBB';
      const query = db.selectFrom('threads').selectAll().where('status', '=', sealed);
      expect(describeParameters(query, ['status']).told).to.deep.equal([`[redacted: text ${sealed.length}]`]);
    });

    it(`whatever a statement is made of [${name}]`, () => {
      const fragment = fc.constantFrom(
        'select',
        'from',
        'threads',
        'users',
        'where',
        'and',
        'or',
        'not',
        'status',
        'secret',
        '"status"',
        '"secret"',
        '=',
        '<',
        '||',
        '+',
        '(',
        ')',
        ',',
        '.',
        'in',
        'like',
        'between',
        'set',
        'update',
        'insert into',
        'values',
        'as',
        't',
        "'status = '",
        '/* status = */',
        '-- status =\n',
        'lower',
        '::text',
        'case',
        'when',
        'then',
        'PARAM',
        'PARAM',
        'PARAM',
      );
      fc.assert(
        fc.property(fc.array(fragment, { maxLength: 25 }), (fragments) => {
          let count = 0;
          const text = fragments
            .map((part) => (part === 'PARAM' ? (name === 'sqlite' ? '?' : `$${(count += 1)}`) : part))
            .join(' ');
          const values = fragments.filter((part) => part === 'PARAM').map((_, index) => `value-${index}`);
          const told = new ParameterRedaction(rules, ['status']).describe(text, values);
          expect(told).to.have.length(values.length);
          told.forEach((line, index) => {
            if (line !== `value-${index}`) return;
            // Where it is shown, the name of the column stands in the statement, outside of strings and comments.
            expect(
              fragments.some((part) => part === 'status' || part === '"status"'),
              text,
            ).to.equal(true);
          });
          const none = new ParameterRedaction(rules, ['elsewhere']).describe(text, values);
          expect(none.join(' ')).not.to.contain('value-');
        }),
        { numRuns: soakCount(2_000) },
      );
    });
  }

  it('which values have names or numbers of their own is not guessed', () => {
    const redaction = new ParameterRedaction(sqliteVocabulary.lexicalRules, ['status']);
    for (const text of [
      'select 1 from threads where secret = :a and status = ?',
      'select 1 from threads where secret = ?2 and status = ?',
      'select 1 from threads where secret = @a and status = ?',
    ]) {
      expect(redaction.describe(text, ['hidden', 'x']), text).to.deep.equal([
        '[redacted: text 6]',
        '[redacted: text 1]',
      ]);
    }
    const twice = new ParameterRedaction(postgresVocabulary.lexicalRules, ['status']);
    for (const text of ['status = $1 and secret = $1', 'secret = $1 and status = $1']) {
      expect(twice.describe(`select 1 from threads where ${text}`, ['hidden'])).to.deep.equal([
        '[redacted: text 6]',
      ]);
    }
  });

  it('says of the others what they are and how large', () => {
    const values = ['text', 1, 1.5, 2n, null, true, new Date(0), Buffer.alloc(3), [1, 2], {}];
    expect(new ParameterRedaction().describe('', values)).to.deep.equal(
      ['text 4', 'integer', 'real', 'integer', 'null', 'boolean', 'time', 'blob 3', 'list 2', 'object'].map(
        (kind) => `[redacted: ${kind}]`,
      ),
    );
  });

  it('and has an end, however many there are and however long they are', () => {
    const redaction = new ParameterRedaction(sqliteVocabulary.lexicalRules, ['status']);
    const told = redaction.describe(
      '',
      Array.from({ length: 30_000 }, (_, index) => index),
    );
    expect(told).to.have.length(101);
    expect(told.at(-1)).to.equal('… 29900 more');
    const [long] = redaction.describe('select 1 from threads where status = ?', ['a'.repeat(100_000)]);
    expect(long).to.have.length(201);
  });

  it('in a time that grows with the length of the text alone', () => {
    const redaction = new ParameterRedaction(sqliteVocabulary.lexicalRules, ['status']);
    const timeOf = (size: number) => {
      const deep = `select 1 from threads where ${'('.repeat(size)}status = ?${') as ('.repeat(size)}`;
      const wide = `select 1 from threads where status in (${'?, '.repeat(size)}?) ${'and status = ? '.repeat(size)}`;
      return cpuTimeOf(() => {
        for (const text of [deep, wide])
          redaction.describe(
            text,
            Array.from({ length: 2 * size + 1 }, () => 'x'),
          );
      });
    };
    timeOf(500);
    expect(timeOf(6_000)).to.be.below(24 * timeOf(750) + 50);
  });

  it('names every fault of the declaration', () => {
    checkLoggableColumns(['status', 'threads.status', 'a column']);
    expect(() => checkLoggableColumns(['', 'a.b.c', 'ok', 'a\nb']))
      .to.throw()
      .with.property('issues')
      .with.length(3);
  });
});

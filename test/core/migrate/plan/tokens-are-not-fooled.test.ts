import { expect } from 'chai';
import fc from 'fast-check';
import { postgresPlan } from '../../../../src/core/engine/postgres/postgres-plan.ts';
import { sqlitePlan } from '../../../../src/core/engine/sqlite/sqlite-plan.ts';
import { soakCount } from '../../../support/engines.ts';

const none: ReadonlySet<string> = new Set();
const context = { inTransaction: true, schema: 'public', made: none, altered: none, unvalidated: none };
const evil = fc.constantFrom(
  'drop table books',
  '; delete from books;',
  "it''s",
  '"',
  '/*x*/',
  '--',
  '$',
  '\n',
  ' update books set a = 1 ',
  '(',
  ')',
  '`',
  ']',
);
const text = fc.array(evil, { maxLength: 5 }).map((parts) => parts.join(''));
const inString = (value: string) => `'${value.replaceAll("'", "''")}'`;
const inName = (value: string) => `"${value.replaceAll('"', '""')}"`;

const engines = { postgres: postgresPlan, sqlite: sqlitePlan };

describe('tokens are not fooled', () => {
  for (const [name, plan] of Object.entries(engines)) {
    const codesOf = (sql: string) => plan.assess(sql, context).dangers.map(({ code }) => code);

    it(`by strings, names and comments of ${name}`, () => {
      fc.assert(
        fc.property(text, text, text, (string, quoted, comment) => {
          const note = `/* ${comment.replaceAll('*/', '').replaceAll('/*', '')} */`;
          const line = `-- ${comment.replaceAll('\n', '')}\n`;
          const sql = `${line}${note}select ${inString(string)} as ${inName(quoted)}${note} from books${line}`;
          expect(codesOf(sql)).to.deep.equal([]);
          expect(plan.assess(sql, context).tables).to.deep.equal(['books']);
          expect(codesOf(`${note} drop ${line} table ${note} ${inName(`b${quoted}`)}`)).to.deep.equal([
            'drop-table',
          ]);
        }),
        { numRuns: soakCount(1000) },
      );
    });

    it(`and any text at all has an answer on ${name}`, () => {
      fc.assert(
        fc.property(fc.oneof(fc.string(), text), (sql) => {
          expect(plan.assess(sql, context).dangers).to.be.an('array');
          plan.runnable(sql);
        }),
        { numRuns: soakCount(1000) },
      );
    });

    it(`and a second statement in a text of ${name} is seen`, () => {
      expect(codesOf('select 1; drop table books')).to.deep.equal(['drop-table']);
    });
  }

  const assess = (sql: string) => postgresPlan.assess(sql, context).dangers.map(({ code }) => code);

  it('by dollar quotes, escapes, nested comments and parentheses of Postgres', () => {
    expect(assess('select $a$ ; drop table books; $$ $a$')).to.deep.equal([]);
    expect(assess(String.raw`select E'\'; drop table books; --'`)).to.deep.equal([]);
    expect(assess('/* /* */ drop table books; */ select 1')).to.deep.equal([]);
    expect(assess('((select 1)); drop table books')).to.deep.equal(['drop-table']);
    expect(assess('alter table books add column "not null" integer')).to.deep.equal([]);
    expect(assess(`select extract(year from at), trim(both 'x' from title) from books`)).to.deep.equal([]);
    expect(postgresPlan.runnable('create index "concurrently" on books (id)')).to.equal(
      'create index "concurrently" on books (id)',
    );
    expect(postgresPlan.runnable('CREATE INDEX /* CONCURRENTLY */ CONCURRENTLY i on b (id)')).to.equal(
      'CREATE INDEX /* CONCURRENTLY */  i on b (id)',
    );
  });

  it('by the ways to write a setting that switches triggers off', () => {
    const role = 'session_replication_role';
    for (const sql of [
      `set ${role} = replica`,
      `SET LOCAL "${role}" TO 'replica'`,
      `set session ${role} to local`,
    ])
      expect(assess(sql), sql).to.deep.equal(['disable-trigger']);
    for (const sql of [`set ${role} to default`, `set ${role} = 'origin'`, `set local work_mem = '${role}'`])
      expect(assess(sql), sql).to.deep.equal([]);
  });

  it('by brackets, backticks and the body of a trigger of SQLite', () => {
    const codes = (sql: string) => sqlitePlan.assess(sql, context).dangers.map(({ code }) => code);
    expect(codes('alter table [drop table x] add column `default` integer')).to.deep.equal([]);
    expect(
      codes('create temp trigger t after insert on a begin delete from b; drop table c; end'),
    ).to.deep.equal([]);
    expect(codes('/* /* */ drop table books')).to.deep.equal(['drop-table']);
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import type { CompiledQuery } from 'kysely';
import { tagsOf, type CachedTables } from '../../../src/core/cache/tags-of.ts';
import { groupTag, rowTag } from '../../../src/core/cache/tags.ts';
import { TouchReader } from '../../../src/core/cache/touch/touch-reader.ts';
import { postgresVocabulary } from '../../../src/core/engine/postgres/postgres-vocabulary.ts';
import { sqliteVocabulary } from '../../../src/core/engine/sqlite/sqlite-vocabulary.ts';
import { soakCount } from '../../support/engines.ts';
import { cpuTimeOf } from '../../support/cpu-time.ts';

const readers = {
  sqlite: new TouchReader(sqliteVocabulary.lexicalRules),
  postgres: new TouchReader(postgresVocabulary.lexicalRules),
};
const tables: CachedTables = new Map([
  ['pairs', { keys: [['a'], ['b']], groups: [] }],
  ['notes', { keys: [['id']], groups: ['room'] }],
  ['seats', { keys: [['row', 'place']], groups: [] }],
]);
/** Nothing beside, so that the text alone counts. */
const alone = { of: () => new Set<string>(), widen: <Each>(write: Each) => write };

/** The tags that a statement moves; `*` where it may be anything, and undefined where it only reads. */
function moved(engine: keyof typeof readers, sql: string, parameters: readonly unknown[] = []) {
  const touch = readers[engine].touchedBy({ sql, parameters } as CompiledQuery);
  if (touch === undefined) return undefined;
  const tags = tagsOf([touch], tables, alone);
  return tags === undefined ? '*' : [...tags].sort().join(' ');
}

const both = (sql: string, parameters?: readonly unknown[]) => {
  const numbered = sql.replace(
    /\?/gu,
    (() => {
      let count = 0;
      return () => `$${(count += 1)}`;
    })(),
  );
  const [one, other] = [moved('sqlite', sql, parameters), moved('postgres', numbered, parameters)];
  expect(other, numbered).to.equal(one);
  return one;
};

const row = 'l:notes r:notes:id=7';

describe('a write moves what it touches', () => {
  it('one row, where its key is plain', () => {
    expect(both('update "notes" set "text" = ? where "id" = ? and "room" = ?', ['a', 7, 3])).to.equal(
      `g:notes:room=3 ${row}`,
    );
    expect(both('UPDATE main.Notes AS n SET text = ? WHERE (n.id = ? AND n.room = ?)', ['a', 7, 3])).to.equal(
      `g:notes:room=3 ${row}`,
    );
    expect(
      both('update notes set text = ? where ((id = ?) and room = ?) returning *', ['a', '7', 3]),
    ).to.equal(`g:notes:room=3 ${row}`);
    expect(both('update notes set text = ? where id = ?', ['a', 7])).to.equal('a:notes r:notes:id=7');
    expect(both('delete from notes where id = ?;', [7])).to.equal('a:notes r:notes:id=7');
    expect(both("delete from notes where id = '7' and room = 3")).to.equal(`g:notes:room=3 ${row}`);
    expect(both('delete from seats where place = ? and "row" = ?', [2, 1])).to.equal(
      'l:seats r:seats:row|place=1|2',
    );
    expect(
      both('insert into notes (id, room, text) values (?, ?, ?), (?, ?, ?)', [7, 3, '', 8, 4, '']),
    ).to.equal('g:notes:room=3 g:notes:room=4 l:notes r:notes:id=7 r:notes:id=8');
    expect(both('insert into notes (id, room) values (?, ?) on conflict do nothing', [7, 3])).to.equal(
      `g:notes:room=3 ${row}`,
    );
    expect(
      both(
        'insert into notes (id, room) values (?, ?) on conflict (id) do update set room = excluded.room',
        [7, 3],
      ),
    ).to.equal('a:notes r:notes:id=7');
    expect(moved('postgres', 'update notes set text = $1 where id = $2::uuid', ['a', 7])).to.equal(
      'a:notes r:notes:id=7',
    );
  });

  for (const [sql, parameters] of [
    ['update notes set id = ? where id = ?', [1, 7]],
    ['update notes set (text, id) = (?, 1) where id = ?', ['a', 7]],
    ['update notes set text = ? where id = ? or room = ?', ['a', 7, 3]],
    ['update notes set text = ? where id = ? and text = ? or room = ?', ['a', 7, 'b', 3]],
    ['update notes set text = ? where not (id = ?)', ['a', 7]],
    ['update notes set text = ? where id = ? is not true', ['a', 7]],
    ['update notes set text = ? where text between 1 and id = ?', ['a', 7]],
    ['update notes set text = ? where case when text and id = ? then true end', ['a', 7]],
    ['update notes set text = ? where id = ? limit 1 or 1', ['a', 7]],
    ['update notes set text = ? where other.id = ?', ['a', 7]],
    ['update notes set text = ? where id = cast(? as integer)', ['a', '7.4']],
    ['update notes set text = ? where id = 1.7', ['a']],
    ['update notes set text = ? where id = ? + 1', ['a', 7]],
    ['update notes set text = ? where id <= ?', ['a', 7]],
    ['update notes set text = ? where id = ?', ['a', null]],
    ['update notes set text = ? where id = ?', ['a', new Date(0)]],
    ['update notes set text = ? from rooms where id = ?', ['a', 7]],
    ['delete from notes', []],
    ['delete from notes where exists (select 1 where id = ?)', [7]],
    ['insert into notes (text, room) values (?, ?)', ['a', 3]],
    ['insert into notes values (?, ?, ?)', [7, 3, 'a']],
    ['insert into notes (id, room) values (? + 1, ?)', [7, 3]],
    ['insert into notes (id, room) values (?, ?), (default, ?)', [7, 3, 3]],
    ['insert into notes (id, room) select id, room from other', []],
    ['insert into notes default values', []],
    ['insert into notes (id, room) values (?, ?) on conflict (room) do update set text = ?', [7, 3, 'a']],
    ['insert into notes (id, room) values (?, ?) on conflict (id) do update set id = 9', [7, 3]],
    ['insert into notes (id, room) values (?, ?) on conflict do update set text = ?', [7, 3, 'a']],
    [
      'insert into notes (id, room) values (?, ?) on conflict (id) where room > 1 do update set text = 1',
      [7, 3],
    ],
  ] as const) {
    it(`the whole table by: ${sql}`, () => expect(both(sql, parameters)).to.equal('t:notes'));
  }

  it('the whole table by a hidden name of its key, in texts that are long, and where a key is not named', () => {
    for (const column of ['rowid', '_rowid_', 'oid', '"rowid"']) {
      expect(both(`update notes set ${column} = 1 where id = ?`, [7]), column).to.equal('t:notes');
      expect(both(`insert into notes (id, ${column}) values (?, 1)`, [7]), column).to.equal('t:notes');
    }
    const rows = Array.from({ length: 6_000 }, () => '(?, ?)').join(', ');
    expect(both(`insert into notes (id, room) values ${rows}`)).to.equal('t:notes');
    expect(both(`with x as (values ${rows}) delete from "n" where id = ?`)).to.equal('t:n');
    expect(both(`update notes set text = 'x' where (id, room) in (${rows}) and id = ?`)).to.equal('t:notes');
    expect(both(`insert into notes (id, room) values ${rows}; drop table x`)).to.equal('*');
    expect(both(`select 1 where (1, 2) in (${rows})`)).to.equal(undefined);
    expect(both('delete from pairs where a = ?', [1])).to.equal('t:pairs');
    expect(both('delete from "main.pairs" where a = ? and b = ?', [1, 2])).to.equal(
      'l:pairs r:pairs:a=1 r:pairs:b=2',
    );
  });

  it('every table that a statement names in its parts', () => {
    expect(both('with a as (delete from notes where id = ? returning id) select * from a', [7])).to.equal(
      't:notes',
    );
    expect(
      moved(
        'postgres',
        'with a as (delete from notes returning id), b as (update "Seats" set place = 1) insert into x select 1',
      ),
    ).to.equal('t:notes t:seats t:x');
    expect(
      moved(
        'postgres',
        'merge into only notes n using x on true when matched then update set text = 1 when not matched then insert default values',
      ),
    ).to.equal('t:notes');
    expect(moved('postgres', 'explain analyze delete from notes')).to.equal('t:notes');
    expect(
      moved(
        'postgres',
        'with recursive x as (select 1) search depth first by a set key update notes set text = 1',
      ),
    ).to.equal('t:notes');
    expect(moved('sqlite', 'replace into notes (id, room) values (?, ?)', [7, 3])).to.equal('t:notes');
    expect(moved('sqlite', 'insert or replace into notes (id, room) values (7, 3)')).to.equal('t:notes');
    expect(moved('sqlite', 'update or replace [notes] set text = 1 where id = 7')).to.equal('t:notes');
    expect(moved('sqlite', 'update `notes` set text = ?1 where id = ?2', ['a', 7])).to.equal('t:notes');
    expect(moved('sqlite', 'update notes set text = :text where id = ?', ['a', 7])).to.equal('t:notes');
  });

  for (const sql of [
    'create table x (id integer)',
    'drop table notes',
    'alter table notes add column x',
    'truncate notes',
    'call clean()',
    'do $$ begin delete from notes; end $$',
    'copy notes from stdin',
    'execute a',
    'commit prepared',
    'attach x as y',
    'select 1; delete from notes',
    'select * into copy from notes',
    'explain analyze execute a',
    'pragma foreign_keys = off',
    "update U&'notes' set text = 1",
    "insert into 'notes' (id) values (1)",
    'update no\u00e9tes set text = 1',
    'delete from notes\u00a0x',
    'select 1 -- a\rfrom (delete from notes)',
    '"notes"',
    'update',
    'insert into',
    'delete',
    'refresh materialized view x',
  ]) {
    it(`everything by: ${JSON.stringify(sql)}`, () => {
      expect(moved('sqlite', sql)).to.equal('*');
      expect(moved('postgres', sql)).to.equal('*');
    });
  }

  for (const sql of [
    '',
    ' -- nothing',
    ';',
    'select * from notes',
    "select 'delete from notes'",
    'select "update" from notes /* update notes set */',
    'select replace(text, 1, 2) from notes',
    '(select 1) union (select 2)',
    'values (1)',
    'with a as (select 1) select * from a',
    'select * from notes for update',
    'select * from notes for no key update skip locked',
    'begin',
    'savepoint update',
    'set x to 1',
    'pragma table_info(notes)',
    'pragma main.data_version',
    'explain select 1',
    'select notes.update, x as delete from notes',
  ]) {
    it(`nothing by: ${JSON.stringify(sql)}`, () => {
      expect(moved('sqlite', sql)).to.equal(undefined);
      expect(moved('postgres', sql)).to.equal(undefined);
    });
  }
});

describe('values that a database takes for one', () => {
  it('have one tag', () => {
    const id = '0190b6a2-3c4d-7e5f-8a9b-0c1d2e3f4a5b';
    for (const same of [id.toUpperCase(), `{${id}}`, id.replaceAll('-', ''), ` ${id} `])
      expect(rowTag('T', ['id'], [same])).to.equal(rowTag('t', ['ID'], [id]));
    for (const same of ['7', ' 7', '+7', '07', '7.0', '7e0', '0x7', 7n])
      expect(rowTag('t', ['id'], [same]), String(same)).to.equal(rowTag('t', ['id'], [7]));
    expect(rowTag('t', ['id'], ['Straße'])).to.equal(rowTag('t', ['id'], ['STRASSE']));
    expect(groupTag('t', 'A', -3)).to.equal(groupTag('T', 'a', '-3'));
    expect(groupTag('t', 'a', 3)).not.to.equal(groupTag('t', 'a', -3));
    expect(rowTag('t', ['x', 'y'], ['a', 'b'])).not.to.equal(rowTag('t', ['x', 'y'], ['b', 'a']));
  });

  it('have none where nobody can say', () => {
    for (const value of [null, undefined, true, new Date(), Buffer.from('a'), {}, 'a'.repeat(2_000)])
      expect(rowTag('t', ['id'], [value])).to.equal(undefined);
    expect(rowTag('t', [], [])).to.equal(undefined);
  });
});

describe('the reading of touches', () => {
  const words = [
    'with',
    'x',
    'as',
    '(',
    ')',
    'insert',
    'into',
    'notes',
    'values',
    'update',
    'set',
    'id',
    '=',
    '?',
    '$1',
    'where',
    'and',
    'or',
    'delete',
    'from',
    ',',
    'on',
    'conflict',
    'do',
    'nothing',
    'merge',
    "'",
    '"',
    '$$',
    '/*',
    '*/',
    '--',
    '\n',
    ';',
    '.',
    '::',
    'cast',
    'text',
    '7',
    '\u00a0',
    'é',
    "E'\\",
  ];

  it('never throws, and never takes a write for a read', () => {
    const texts = fc.array(fc.constantFrom(...words), { maxLength: 40 });
    fc.assert(
      fc.property(texts, fc.string({ unit: 'binary' }), (parts, noise) => {
        for (const sql of [parts.join(' '), parts.join(''), noise, `${noise} ${parts.join(' ')}`]) {
          for (const engine of ['sqlite', 'postgres'] as const) moved(engine, sql, [1]);
        }
        // Whatever stands in front of it, inside of a statement that holds others.
        const inside = parts.filter((part) => !["'", '"', '$$', '/*', '--', "E'\\"].includes(part)).join(' ');
        expect(moved('postgres', `with y as (${inside}), x as (delete from notes) select 1`)).not.to.equal(
          undefined,
        );
      }),
      { numRuns: soakCount(2_000) },
    );
  });

  it('takes time by the length of the text alone', () => {
    const hard = (size: number) => [
      `update notes set text = 1 where ${'('.repeat(size)}`,
      `update notes set text = 1 where ${'id = 1 and '.repeat(size)} id = 2`,
      `with ${'a as (insert into notes (id) values (1)), '.repeat(size)} b as (select 1) select 1`,
      `insert into notes (id, room) values ${'(1, ?), '.repeat(size)} (1, ?)`,
      `insert into notes (id) values (1) ${'on conflict (id) do nothing '.repeat(size)}`,
      `select ${'update '.repeat(size)}`,
      `select ${"'".repeat(size)} ${'$'.repeat(size)} ${'-'.repeat(size)}`,
      `update ${'a.'.repeat(size)} set`,
      `rollback ${' '.repeat(size)}x`,
    ];
    const timeOf = (texts: readonly string[]) =>
      texts.map((sql) =>
        Math.min(
          ...[1, 2, 3].map((run) => cpuTimeOf(() => void moved('postgres', `${sql} /* ${run} */`, [1]))),
        ),
      );
    timeOf(hard(100));
    const [short, long] = [timeOf(hard(200)), timeOf(hard(3_200))];
    for (const [index, time] of long.entries())
      expect(time, hard(1)[index]).to.be.below(16 * 8 * Math.max(short[index]!, 0.5));
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { fingerprint } from '../../../src/core/metrics/index.ts';
import { cpuTimeOf } from '../../support/cpu-time.ts';

/** A value that can be told from every other text: where it comes out, it is found. */
const secret = 's3cr3t';
const values = fc.constantFrom(
  '?',
  '$1',
  '$23',
  ':name',
  '@name',
  '?7',
  '4711',
  '-4711',
  '- 4711',
  '.4711',
  '0x4711',
  '4711e4711',
  `'${secret}'`,
  `'it''s ${secret}'`,
  `e'\\'${secret}'`,
  `$x$${secret}$x$`,
  `$$'${secret}$$`,
  `x'4711'`,
  `'${secret} -- no comment'`,
  `'\n/* ${secret}'`,
  'true',
  'null',
);
const fillers = fc.constantFrom(
  ' ',
  '\n',
  '\t  ',
  ` -- ${secret}'\n`,
  ` /* ${secret} ' " */ `,
  ' /* a /* b */ c */ ',
);
const keywordCase = fc.constantFrom(
  (text: string) => text,
  (text: string) => text.toUpperCase(),
);

/** A statement with places for values and lists; two of one shape differ in nothing that counts. */
interface Shape {
  readonly write: (value: () => string, list: () => string, rows: () => string) => readonly string[];
  readonly text: string;
}

const shapes: readonly Shape[] = [
  {
    write: (value, list) => [
      'select',
      'id',
      ',',
      '"name"',
      'from',
      'users',
      'where',
      'id',
      'in',
      list(),
      'and',
      'name',
      '=',
      value(),
    ],
    text: 'select id, name from users where id in (…) and name = ?',
  },
  {
    write: (value, _list, rows) => [
      'insert',
      'into',
      '"users"',
      '(',
      'id',
      ',',
      'name',
      ')',
      'values',
      rows(),
      'returning',
      value(),
    ],
    text: 'insert into users (id, name) values (…) returning ?',
  },
  {
    write: (value) => [
      'update',
      'users',
      'set',
      'name',
      '=',
      value(),
      ',',
      'age',
      '=',
      'age',
      '-',
      value().replace(/^-\s*/, ''),
      'where',
      'name',
      'is',
      'not',
      'null',
    ],
    text: 'update users set name = ?, age = age - ? where name is not null',
  },
  {
    write: (value, list) => [
      'select',
      'lower',
      '(',
      value(),
      ')',
      ',',
      'data',
      '->>',
      value(),
      'from',
      't',
      'where',
      '(',
      'a',
      ',',
      'b',
      ')',
      'in',
      '(',
      list(),
      ',',
      list(),
      ')',
      'limit',
      value(),
    ],
    text: 'select lower (?), data ->> ? from t where (a, b) in (…) limit ?',
  },
  {
    write: (value) => [
      'select',
      value(),
      '::',
      'text',
      'from',
      '"Odd Name"',
      'where',
      'x',
      'between',
      value(),
      'and',
      value(),
      ';',
    ],
    text: 'select ?::text from "Odd Name" where x between ? and ?',
  },
];

const statements = fc
  .record({
    shape: fc.constantFrom(...shapes),
    values: fc.infiniteStream(values),
    sizes: fc.infiniteStream(fc.integer({ min: 1, max: 5 })),
    fillers: fc.infiniteStream(fillers),
    cased: keywordCase,
  })
  .map(({ shape, values: drawn, sizes, fillers: between, cased }) => {
    const value = (): string => drawn.next().value as string;
    const filler = (): string => between.next().value as string;
    const many = (write: () => string): string =>
      Array.from({ length: sizes.next().value as number }, write).join(`${filler()},${filler()}`);
    const list = (): string => `(${filler()}${many(value)}${filler()})`;
    const parts = shape.write(value, list, () => many(list));
    const written = parts.map((part) =>
      /^[a-z]+$/.test(part) && !['true', 'null'].includes(part) ? cased(part) : part,
    );
    return { text: shape.text, sql: written.map((part) => part + filler()).join('') };
  });

describe('a fingerprint forgets values', () => {
  it('and lists, white space, comments and the case of words, and nothing else', () => {
    fc.assert(
      fc.property(statements, ({ sql, text }) => {
        expect(fingerprint(sql).text).to.equal(text);
      }),
      { numRuns: 200 },
    );
  });

  it('for statements of another form it is another one', () => {
    const texts = [
      'select a from t',
      'select b from t',
      'select a from u',
      'select a from t where a = 1',
      'select a from t where a > 1',
      'select a from t where a is null',
      'select a from t where a is not null',
      'select a from t where a in (1)',
      'select a from t where a in (select 1)',
      'select a from t order by a',
      'select a from t order by a desc',
      'select f(1) from t',
      'select f(1, 2) from t',
      'select "A" from t',
      'select a - 1 from t',
      'select a, -1 from t',
      'select a->b from t',
      'insert into t values (1)',
      'insert into t values (lower(1))',
      'update t set a = 1',
      'delete from t',
    ];
    expect(new Set(texts.map((text) => fingerprint(text).id)).size).to.equal(texts.length);
    for (const text of texts) expect(fingerprint(text).id).to.match(/^[\da-f]{16}$/);
  });

  it('that of its text is the same again, whatever the text is', () => {
    const pieces = fc.array(
      fc.oneof(
        values,
        fillers,
        fc.constantFrom(
          '(',
          ')',
          '[',
          ']',
          ',',
          '.',
          ':',
          '-',
          '+',
          '*',
          '?',
          '…',
          '(…)',
          'a',
          '"b c"',
          'in',
          'values',
          'array',
          'select',
          'from',
          '<',
          '>',
          '=',
          '|',
          ';',
          '`',
        ),
      ),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(pieces, fc.boolean(), (parts, spaced) => {
        const { text } = fingerprint(parts.join(spaced ? ' ' : ''));
        expect(fingerprint(text).text).to.equal(text);
      }),
      { numRuns: 400 },
    );
  });

  it('and holds no value, also of a text that no engine takes or that two read differently', () => {
    fc.assert(
      fc.property(statements, ({ sql }) => {
        const { text } = fingerprint(sql);
        expect(text).not.to.contain(secret);
        expect(text).not.to.contain('4711');
      }),
      { numRuns: 100 },
    );
    for (const sql of [
      `select 'it\\'s ${secret}'`,
      `select 'a\\' or name = ' ${secret}'`,
      `select '${secret}`,
      `select $a$ ${secret}`,
      `select e'\\\\' , '${secret}'`,
      `select n'${secret}', b'4711', 0b4711`,
    ]) {
      expect(fingerprint(sql).text, sql).not.to.contain(secret);
      expect(fingerprint(sql).text, sql).not.to.contain('4711');
    }
  });

  it('names the operation and the tables', () => {
    const cases: readonly (readonly [string, string, readonly string[]])[] = [
      ['select * from a join b on a.id = b.id', 'select', ['a', 'b']],
      ['with x as (select * from a) delete from b where id in (select id from x)', 'delete', ['a', 'b']],
      ['with x as (select 1 from a) select * from x', 'select', ['a']],
      ['insert into "main"."a" values (1)', 'insert', ['a']],
      [`${secret} into the void`, 'other', []],
      ['', 'other', []],
    ];
    for (const [sql, operation, tables] of cases) {
      const found = fingerprint(sql);
      expect(found.operation, sql).to.equal(operation);
      if (operation !== 'other') expect(found.tables, sql).to.have.members([...tables]);
    }
  });

  it('keeps a text short, and its number apart', () => {
    const long = (column: string) =>
      `select ${Array.from({ length: 2_000 }, (_, at) => `c${at}`).join(', ')}, ${column}`;
    expect(fingerprint(long('a')).text.length).to.be.at.most(4_002);
    expect(fingerprint(long('a')).id).not.to.equal(fingerprint(long('b')).id);
  });

  it('takes time by the length of the text alone, whatever is in it', () => {
    const pieces = [
      '(',
      'in (',
      '(1,',
      "'",
      '"',
      '/*',
      '$a$',
      '- ',
      'values (1), ',
      '((1), ',
      '?, ',
      '[',
      '. ',
      ') as (',
      'x ',
    ];
    for (const piece of pieces) {
      const count = Math.ceil(6_000 / piece.length);
      const small = piece.repeat(count);
      const large = piece.repeat(count * 4);
      fingerprint(small);
      const base = cpuTimeOf(() => void fingerprint(`${small} `));
      const more = cpuTimeOf(() => void fingerprint(`${large} `));
      // Four times as long; a square would be sixteen.
      expect(more, piece).to.be.below(60 + base * 10);
    }
  });
});

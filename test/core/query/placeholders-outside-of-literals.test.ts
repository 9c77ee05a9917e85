import { expect } from 'chai';
import fc from 'fast-check';
import type { SqlLexicalRules } from '../../../src/core/engine/sql-vocabulary.ts';
import { ValidationError } from '../../../src/core/foundation/errors/validation-error.ts';
import { rewritePlaceholders } from '../../../src/core/query/placeholders.ts';
import { cpuTimeOf } from '../../support/cpu-time.ts';

interface Dialect {
  readonly lexicalRules: SqlLexicalRules;
  placeholder(position: number): string;
}

const postgres: Dialect = {
  lexicalRules: { dollarQuotes: true, escapeStrings: true, nestedComments: true, bracketIdentifiers: false },
  placeholder: (position) => `$${position}`,
};
const sqlite: Dialect = {
  lexicalRules: {
    dollarQuotes: false,
    escapeStrings: false,
    nestedComments: false,
    bracketIdentifiers: true,
  },
  placeholder: () => '?',
};

/** A piece of a statement: what stands in it, and what is expected of it given how many came before. */
interface Piece {
  readonly text: string;
  readonly parameters: number;
  readonly expected: (before: number) => string;
}

function verbatim(text: string): Piece {
  return { text, parameters: 0, expected: () => text };
}

// Everything that could be taken for the begin or end of something else.
const inside = fc
  .array(
    fc.constantFrom('?', '??', "''", '""', ' ', 'a', '$', '--', '/', '*', '[', 'e', '\n', '\\\\', 'é', '$x$'),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));

function quoted(open: string, close: string, forbidden: RegExp): fc.Arbitrary<Piece> {
  return inside.map((content) => verbatim(`${open}${content.replace(forbidden, '')}${close}`));
}

function pieces(dialect: Dialect): fc.Arbitrary<Piece> {
  const common = [
    fc.constantFrom('select', 'a1', '42', 'limit', ',', '(', ')', '=', '- 1', '/ 2').map(verbatim),
    fc.constant<Piece>({
      text: '?',
      parameters: 1,
      expected: (before) => dialect.placeholder(before + 1),
    }),
    fc.constant<Piece>({ text: '??', parameters: 0, expected: () => '?' }),
    // Doubled quotes stay inside; a lone one would end the piece.
    quoted("'", "'", /(?<!')'(?!')/g),
    quoted('"', '"', /(?<!")"(?!")/g),
    quoted('--', '\n', /\n/g),
  ];
  return dialect === postgres
    ? fc.oneof(
        ...common,
        quoted('$$', '$$', /\$/g),
        quoted('$tag$', '$tag$', /\$tag/g),
        quoted("e'\\'", "'", /(?<!')'(?!')/g),
        quoted("E'a'\n  '\\'", "'", /(?<!')'(?!')/g),
        quoted('/* /* ? */', '*/', /[*/]/g),
      )
    : fc.oneof(...common, quoted('[', ']', /\]/g), quoted('`', '`', /`/g), quoted('/* /* ?', '*/', /[*/]/g));
}

for (const [name, dialect] of Object.entries({ postgres, sqlite })) {
  describe(`placeholders are found outside of literals alone, in the words of ${name}`, () => {
    it('for any sequence of pieces', () => {
      fc.assert(
        fc.property(fc.array(pieces(dialect), { maxLength: 20 }), (parts) => {
          let before = 0;
          const expected = parts.map((part) => {
            const text = part.expected(before);
            before += part.parameters;
            return text;
          });
          // Spaces keep the pieces apart: `e` before a quote would make another piece of it.
          const text = parts.map((part) => part.text).join(' ');
          expect(rewritePlaceholders(text, before, dialect)).to.equal(expected.join(' '));
        }),
        { numRuns: 1_000 },
      );
    });

    it('never throws anything but ValidationError, whatever the text', () => {
      const hostile = fc.array(
        fc.constantFrom('?', "'", '"', '$', '$a$', '--', '/*', '*/', '[', ']', '`', 'e', '\\', '\n', 'x'),
        { maxLength: 30 },
      );
      fc.assert(
        fc.property(hostile, fc.nat(3), (parts, count) => {
          try {
            rewritePlaceholders(parts.join(''), count, dialect);
          } catch (error) {
            expect(error).to.be.instanceOf(ValidationError);
          }
        }),
        { numRuns: 2_000 },
      );
    });

    for (const count of [0, 1, 3]) {
      it(`refuses ${count} parameters for two placeholders, and repeats none of the text`, () => {
        expect(() => rewritePlaceholders("select 'geheim', ?, ?", count, dialect))
          .to.throw(ValidationError, `2 placeholders and was given ${count} parameters`)
          .with.property('message')
          .that.does.not.include('geheim');
      });
    }

    for (const open of ["'", '"', '/*', '--', ...(dialect === postgres ? ['$$', "e'"] : ['[', '`'])]) {
      it(`passes through what ${open} opens and nothing closes`, () => {
        const text = `select ${open} ? ??`;
        expect(rewritePlaceholders(text, 0, dialect)).to.equal(text);
      });
    }
  });
}

describe('placeholders stay words of their own', () => {
  for (const [text, expected] of [
    ['limit?', 'limit $1'],
    ['a=?and b=?', 'a=$1 and b=$2'],
    ['(?,?)', '($1,$2)'],
    ['data ??| ?', 'data ?| $1'],
    ['data ???', 'data ?$1'],
    ['é?', 'é $1'],
  ] as const) {
    it(`in ${text}`, () => {
      const count = expected.match(/\$\d/g)?.length ?? 0;
      expect(rewritePlaceholders(text, count, postgres)).to.equal(expected);
    });
  }

  it('where a dollar or an e belongs to a name', () => {
    expect(rewritePlaceholders('a$b$ ? c$b$', 1, postgres)).to.equal('a$b$ $1 c$b$');
    expect(rewritePlaceholders("name'\\' ?", 1, postgres)).to.equal("name'\\' $1");
  });

  it('where Postgres has array subscripts and SQLite has quoted names', () => {
    expect(rewritePlaceholders('a[?]', 1, postgres)).to.equal('a[$1]');
    expect(rewritePlaceholders('[a?]', 0, sqlite)).to.equal('[a?]');
  });
});

describe('what is no text', () => {
  it('is refused, instead of being looked through for ever', () => {
    for (const text of [undefined, {}, 1]) {
      expect(() => rewritePlaceholders(text as never, 0, sqlite)).to.throw(ValidationError);
    }
  });
});

describe('placeholders are rewritten in linear time', () => {
  for (const unit of ["'", '"', '$', '$a', '/*', '--', "e'", "\\'", "e'a'\n", '[', '?', ' ']) {
    it(`for a megabyte of ${JSON.stringify(unit)}`, () => {
      const text = `select ${unit.repeat(Math.ceil(1_000_000 / unit.length))}`;
      const rewrite = () => {
        for (const dialect of [postgres, sqlite]) {
          try {
            rewritePlaceholders(text, 0, dialect);
          } catch (error) {
            expect(error).to.be.instanceOf(ValidationError);
          }
        }
      };
      expect(cpuTimeOf(rewrite)).to.be.lessThan(2_000);
    });
  }
});

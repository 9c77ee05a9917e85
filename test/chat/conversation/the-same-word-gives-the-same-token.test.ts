import { expect } from 'chai';
import fc from 'fast-check';
import { searchTokens, tokenColumn } from '../../../src/chat/conversation/search-tokens.ts';

/** The word that a token stands for. */
const wordOf = (token: string) =>
  token.startsWith('a') ? token.slice(1) : Buffer.from(token.slice(1), 'hex').toString();
const wordsOf = (text: string) => searchTokens(text).map(wordOf);

// Any text: also NUL, lone surrogates, marks in a row, and pieces in which words are likely.
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc
    .array(
      fc.constantFrom(
        'caf\u00e9',
        'STRASSE',
        ' ',
        '\u0301',
        '\u05b0',
        '\u6f22',
        '\u0e01\u0e49',
        '11:30',
        '\ud800',
        '\u200d',
      ),
    )
    .map((pieces) => pieces.join('')),
);

describe('the same word gives the same token', () => {
  for (const [what, forms, words] of [
    ['whatever its case', ['Hello', 'HELLO', 'hello'], ['hello']],
    ['with its diacritics and without', ['café', 'cafe\u0301', 'CAFÉ', 'cafe'], ['cafe']],
    ['whatever its width', ['ｃａｆｅ', 'cafe'], ['cafe']],
    ['as ligature and as letters', ['ﬁnd', 'find'], ['find']],
    ['with ß and with ss', ['straße', 'STRASSE', 'Straẞe'], ['strasse']],
    ['with either small sigma', ['ΟΔΟΣ', 'οδος', 'ὁδός', 'οδοσ'], ['οδοσ']],
    [
      'with invisible characters and without',
      ['co\u00adoperate', 'cooperate', 'co\u200boperate'],
      ['cooperate'],
    ],
    ['in half-width kana', ['ｶﾞ', 'ガ'], ['ガ']],
    ['in composed and decomposed Hangul', ['한국', '한국'.normalize('NFD')], ['한국']],
  ] as const) {
    it(what, () => {
      for (const form of forms) expect(wordsOf(form), form).to.deep.equal(words);
    });
  }

  it('and times, dates and addresses are taken apart alike', () => {
    expect(searchTokens('11:30')).to.deep.equal(['a11', 'a30']);
    expect(wordsOf('2026-11-23')).to.deep.equal(['2026', '11', '23']);
    expect(wordsOf('ada@example.com')).to.deep.equal(['ada', 'example', 'com']);
    expect(wordsOf("don't")).to.deep.equal(['don', 't']);
  });

  it('and scripts without spaces give one for each character', () => {
    expect(wordsOf('漢字とカナ')).to.deep.equal(['漢', '字', 'と', 'カ', 'ナ']);
    expect(wordsOf('ภาษา')).to.deep.equal(['ภ', 'า', 'ษ', 'า']);
    expect(wordsOf('iPhoneを買う')).to.deep.equal(['iphone', 'を', '買', 'う']);
  });

  it('and marks of other scripts stay with their letters', () => {
    expect(wordsOf('नमस्ते दुनिया')).to.deep.equal(['नमस्ते', 'दुनिया']);
  });

  it('and what holds no word gives none', () => {
    for (const text of ['', '  \n', '?!…', '👩‍🚀 ❤️', '\u0301', '\ud800', '\0']) {
      expect(searchTokens(text), JSON.stringify(text)).to.deep.equal([]);
    }
  });

  it('for every letter and digit of Unicode, in either case and in every normal form', () => {
    const different: string[] = [];
    for (let code = 0; code <= 0x10ffff; code += 1) {
      const character = String.fromCodePoint(code);
      // The one mark that has an upper case of its own, which is a letter: ᾳ becomes ΑΙ.
      if (!/[\p{L}\p{N}]/u.test(character) || character.normalize('NFD').includes('\u0345')) continue;
      const forms = [
        character.toUpperCase(),
        character.toLowerCase(),
        character.normalize('NFD'),
        character.normalize('NFKC'),
      ].filter((form) => form !== character);
      if (forms.length === 0) continue;
      const tokens = searchTokens(`x${character}y`).join();
      if (forms.some((form) => searchTokens(`x${form}y`).join() !== tokens)) different.push(character);
    }
    expect(different).to.deep.equal([]);
  });

  it('and each word of a text is its own only word', () => {
    fc.assert(
      fc.property(texts, (text) => {
        for (const token of searchTokens(text)) expect(searchTokens(wordOf(token))).to.deep.equal([token]);
      }),
      { numRuns: 1000 },
    );
  });

  it('and every token is one atom to both engines', () => {
    fc.assert(
      fc.property(texts, (text) => {
        for (const token of searchTokens(text)) expect(token).to.match(/^(a[a-z0-9]+|u[0-9a-f]+)$/);
      }),
      { numRuns: 1000 },
    );
  });

  it('and texts side by side give the tokens of both', () => {
    fc.assert(
      fc.property(texts, texts, (one, other) => {
        expect(searchTokens(`${one}\n${other}`)).to.deep.equal([
          ...searchTokens(one),
          ...searchTokens(other),
        ]);
      }),
    );
  });
});

describe('the column of tokens', () => {
  it('lets occurrences be counted by replacing them', () => {
    const column = tokenColumn(searchTokens('the cat the the other'));
    expect(column.split(' athe ')).to.have.lengthOf(3 + 1);
    expect(tokenColumn([])).to.equal('');
  });
});

import { expect } from 'chai';
import { searchTokens } from '../../../src/chat/conversation/search-tokens.ts';
import { cpuTimeOf } from '../../support/cpu-time.ts';

const megabyte = 1024 * 1024;
const fill = (piece: string) => piece.repeat(Math.ceil(megabyte / Buffer.byteLength(piece)));

describe('hostile text of 1 MiB never stalls the tokeniser', () => {
  for (const [what, text] of Object.entries({
    'one word': fill('a'),
    'one word that is not ASCII': fill('é'),
    'one-letter words': fill('a '),
    spaces: fill(' '),
    'marks that a normaliser has to sort': `a${fill('\u0301\u0316')}`,
    'marks that stay and have to be sorted': `א${fill('\u05b0\u0591\u05c1\u1dce\u20d0')}`,
    'marks that invisible characters keep apart': `a${fill(`${'\u0591\u05b0'.repeat(15)}\u200d`)}`,
    'marks behind a character that is a word': `ก${fill('\u0e48\u0e38')}`,
    'characters that unfold to eighteen': fill('\ufdfa'),
    'capital sigmas, which look around themselves': `A${fill("Σ''''")}`,
    'one capital sigma and what it looks across': `AΣ${fill("'")}`,
    'lone surrogates': fill('\ud800'),
    'invisible characters': fill('\u200d'),
    Han: fill('漢'),
    Hangul: fill('한'),
    emoji: fill('👩‍🚀'),
  })) {
    it(what, () => {
      // Quadratic work on 256 KiB takes many seconds; the slowest of these takes about 0.1 s.
      expect(cpuTimeOf(() => searchTokens(text))).to.be.below(2000);
    });
  }

  it('and only its first 256 KiB count, cut between two characters', () => {
    const kept = 256 * 1024;
    expect(searchTokens(`${' '.repeat(kept - 2)}ab`)).to.deep.equal(['aab']);
    expect(searchTokens(`${' '.repeat(kept - 1)}ab`)).to.deep.equal(['aa']);
    expect(searchTokens(`${' '.repeat(kept - 2)}漢`)).to.deep.equal([]);
    expect(searchTokens(`${' '.repeat(kept - 3)}漢`)).to.have.lengthOf(1);
    expect(searchTokens(`${'\u00ad'.repeat(kept / 2)}word`)).to.deep.equal([]);
  });

  it('and what it unfolds to is not more either', () => {
    const length = searchTokens('\ufdfa'.repeat(256 * 1024)).reduce(
      (sum, token) => sum + token.length / 2,
      0,
    );
    expect(length).to.be.within(200 * 1024, 256 * 1024);
  });

  it('and only the first 64 characters of a word count', () => {
    expect(searchTokens('a'.repeat(65))).to.deep.equal(searchTokens('a'.repeat(64)));
    expect(searchTokens('a'.repeat(64))).not.to.deep.equal(searchTokens('a'.repeat(63)));
    expect(searchTokens('\u{10428}'.repeat(65))).to.deep.equal(searchTokens('\u{10428}'.repeat(64)));
    expect(searchTokens(`${'a'.repeat(64)}é`)).to.deep.equal([`a${'a'.repeat(64)}`]);
  });
});

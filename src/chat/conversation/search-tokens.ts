/**
 * The tokeniser of the message search. The engines' own tokenisers differ ("café", "11:30", scripts without
 * spaces), so they only ever see what comes out here: words of ASCII letters and digits, which both of them
 * take as they are. Texts and search inputs go through the same function.
 *
 * It does not stem and knows no stop words. Its time grows with the length of the text and no faster.
 */

// Folded text never takes more, so that not even 256 KiB of different words overflow a tsvector (1 MiB).
const maxBytes = 256 * 1024;
const maxCharactersOfWord = 64;

const ignorable = /\p{Default_Ignorable_Code_Point}+/gu;
// Normalising sorts the marks behind a letter in quadratic time: 130,000 of them take 9 s.
const marksBeyondThirty = /(\p{M}{30})\p{M}+/gu;
const diacritics = /[\u0300-\u036f]+/g;

// Scripts that are written without spaces have no word to split at: each of their characters is one.
const unspaced = String.raw`[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Mymr}]`;
const words = new RegExp(
  String.raw`[[\p{L}\p{N}]&&${unspaced}]\p{M}*|[[\p{L}\p{N}]--${unspaced}][[\p{L}\p{N}\p{M}]--${unspaced}]*`,
  'gv',
);
const asciiWord = /^[a-z0-9]+$/;

/**
 * Takes a text apart into the tokens that are searched for.
 *
 * Case and diacritics do not count, and neither does which of several Unicode forms a text is written in.
 * Words are runs of letters and digits; of scripts without spaces (Han, kana, Thai, Lao, Khmer, Burmese)
 * each character is a word. Only the first 256 KiB of the text and the first 64 characters of a word count.
 *
 * @param text anything, of any length; it need not be well-formed
 * @returns the tokens in the order of the text, repeated as they repeat there; each is `a` and the word
 *   where it is ASCII, else `u` and the hexadecimal UTF-8 of the word. Empty where there is no word
 * @see Unicode Standard Annex #15, "Stream-Safe Text Format": at most 30 marks behind a letter
 * @see The Unicode Standard, section 3.13, on caseless matching and NFKC_Casefold
 * @example
 * searchTokens('Café, 11:30'); // ['acafe', 'a11', 'a30']
 */
export function searchTokens(text: string): string[] {
  const folded = firstBytes(fold(firstBytes(text)));
  return Array.from(folded.matchAll(words), ([word]) => encodeWord(word));
}

/**
 * Joins tokens for the search table. Each stands between two spaces of its own, so that its occurrences can
 * be counted by replacing them, also where it follows itself.
 *
 * @param tokens what `searchTokens` returned
 * @returns the text of the column
 */
export function tokenColumn(tokens: readonly string[]): string {
  return tokens.map((token) => ` ${token} `).join('');
}

// To upper case and back, since only that makes "ß" and "ss" or the two small sigmas the same.
function fold(text: string): string {
  return text
    .replace(ignorable, '')
    .replace(marksBeyondThirty, '$1')
    .normalize('NFKD')
    .replace(diacritics, '')
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .replaceAll('ς', 'σ')
    .normalize('NFC');
}

const encoder = new TextEncoder();
const scratch = new Uint8Array(maxBytes);

/** Cuts between two characters. */
function firstBytes(text: string): string {
  // A UTF-16 code unit takes at most three bytes.
  if (text.length * 3 <= maxBytes) return text;
  return text.slice(0, encoder.encodeInto(text, scratch).read);
}

function encodeWord(word: string): string {
  if (asciiWord.test(word)) return `a${word.slice(0, maxCharactersOfWord)}`;
  const shortened = word.length > maxCharactersOfWord ? firstCharacters(word) : word;
  return asciiWord.test(shortened) ? `a${shortened}` : `u${Buffer.from(shortened).toString('hex')}`;
}

function firstCharacters(word: string): string {
  // A character is at most two code units: whatever follows cannot count.
  return Array.from(word.slice(0, 2 * maxCharactersOfWord))
    .slice(0, maxCharactersOfWord)
    .join('');
}

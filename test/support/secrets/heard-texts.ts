/** What came out while a test ran, until it is looked at for secrets. */
import { findSecret } from './planted-secrets.ts';

/** So much is kept before it is looked at: what comes out may be planted later in the same test. */
const mostCharacters = 4_000_000;

let unread: { readonly source: string; readonly text: string }[] = [];
let unreadCharacters = 0;
let characters = 0;
let test = 'before the first test';
const leaks: string[] = [];

/** How many characters were heard in all. */
export function countCharacters(): number {
  return characters;
}

/** Names the test that what comes next belongs to. */
export function nameTest(name: string): void {
  test = name;
}

/** Keeps a text that came out of a source, such as `the output`. */
export function hear(source: string, text: string): void {
  characters += text.length;
  unreadCharacters += text.length;
  unread.push({ source: `${source} of "${test}"`, text });
  if (unreadCharacters > mostCharacters) readAll();
}

/** Takes a secret out of what was heard so far: somebody asked for it to be printed. */
export function pardon(secret: string): void {
  unread = unread.map(({ source, text }) => ({ source, text: text.replaceAll(secret, '') }));
}

/** Looks at all that was heard since, and gives the places of secrets in it. */
export function takeLeaks(): string[] {
  readAll();
  return leaks.splice(0);
}

function readAll(): void {
  const all = unread;
  unread = [];
  unreadCharacters = 0;
  for (const { source, text } of all) {
    const place = findSecret(text);
    if (place !== undefined) leaks.push(`${source}: ${place}`);
  }
}

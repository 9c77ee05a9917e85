/**
 * Words that mean something bare, so that a name that is one of them keeps its quotes.
 *
 * @see https://www.sqlite.org/lang_keywords.html
 */
const hardWords = `add after all alter always analyze and as asc attach autoincrement before begin between by cascade
  case cast check collate commit conflict constraint create cross current_date current_time current_timestamp deferrable
  deferred desc detach distinct do drop each else end escape except exclude exclusive exists explain fail false
  for foreign from full generated glob group having if ignore immediate in index indexed initially inner insert
  instead intersect into is isnull join left like limit match materialized natural no not nothing notnull null
  of offset on or order outer over partition pragma primary raise recursive references regexp
  reindex release rename replace restrict returning right rollback savepoint select set table
  then ties to transaction true union unique update using vacuum values when where window with without`;

/** Words that are names where no clause wants them; in an expression they never mean anything else. */
const softWords = `action column current database delete filter first following groups key last nulls others plan
  preceding query range row rows temp temporary trigger unbounded view virtual`;

const hard: ReadonlySet<string> = new Set(hardWords.split(/\s+/));
const soft: ReadonlySet<string> = new Set(softWords.split(/\s+/));

/** Whether a word, in lower case, means something where it stands bare. */
export function isKeyword(word: string): boolean {
  return hard.has(word) || soft.has(word);
}

/** Whether a name, as it is, must stand in quotes so as not to be taken for a keyword. */
export function needsQuotes(name: string): boolean {
  if (!/^[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*$/.test(name)) return true;
  const word = name.toLowerCase();
  return hard.has(word) || (soft.has(word) && word !== name);
}

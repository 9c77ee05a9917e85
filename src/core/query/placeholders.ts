import type { SqlVocabulary } from '../engine/sql-vocabulary.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { findLiteralEnd, isIdentifierCharacter } from './sql-literals.ts';

const interesting = /['"`[$?]|--|\/\*/g;

/**
 * Rewrites the placeholders of a SQL text to the engine's own: `?` stands for a parameter, `??` for a
 * literal question mark. Question marks inside of strings, quoted identifiers, dollar quotes and
 * comments stay as they are. It understands no more SQL than that.
 *
 * @param sql the text as the caller wrote it
 * @param parameterCount how many parameters come with it
 * @param vocabulary the words of the engine at hand
 * @returns the text for the engine; a literal that is not closed is passed through, for the database to refuse
 * @throws ValidationError where the placeholders and the parameters do not count the same, or the text is none
 * @example
 * rewritePlaceholders("select '?' where a = ? and b ?? ?", 2, postgres); // "select '?' where a = $1 and b ? $2"
 */
export function rewritePlaceholders(
  sql: string,
  parameterCount: number,
  vocabulary: Pick<SqlVocabulary, 'lexicalRules' | 'placeholder'>,
): string {
  if (typeof sql !== 'string') throw new ValidationError('The statement must be a SQL text.');
  let text = '';
  let copied = 0;
  let found = 0;
  interesting.lastIndex = 0;
  for (let match = interesting.exec(sql); match !== null; match = interesting.exec(sql)) {
    const at = match.index;
    if (sql[at] !== '?') {
      interesting.lastIndex = findLiteralEnd(sql, at, vocabulary.lexicalRules);
    } else if (sql[at + 1] === '?') {
      text += sql.slice(copied, at + 1);
      copied = interesting.lastIndex = at + 2;
    } else {
      found += 1;
      text += sql.slice(copied, at) + separate(vocabulary.placeholder(found), sql[at - 1], sql[at + 1]);
      copied = at + 1;
    }
  }
  if (found !== parameterCount) {
    throw new ValidationError(
      `The statement has ${found} placeholders and was given ${parameterCount} parameters. Give one for each "?"; a literal question mark is written "??".`,
    );
  }
  return text + sql.slice(copied);
}

// `limit?` is clear as it stands, `limit$1` is one word.
function separate(marker: string, before: string | undefined, after: string | undefined): string {
  return `${isIdentifierCharacter(before) ? ' ' : ''}${marker}${isIdentifierCharacter(after) ? ' ' : ''}`;
}

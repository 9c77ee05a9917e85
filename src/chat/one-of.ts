import { ValidationError } from '../core/domain/index.ts';

/**
 * Makes the parser of a closed set of words.
 *
 * @param name what the value is called in messages
 * @param words the set
 * @returns a function that returns its argument as one of the words, or throws ValidationError
 */
export function oneOf<const Word extends string>(
  name: string,
  words: readonly Word[],
): (value: unknown) => Word {
  return (value) => {
    const word = words.find((candidate) => candidate === value);
    if (word === undefined) throw new ValidationError(`${name} must be one of ${words.join(', ')}`);
    return word;
  };
}

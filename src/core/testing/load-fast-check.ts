import type * as FastCheck from 'fast-check';
import { ConfigurationError } from '../foundation/errors/configuration-error.ts';

/**
 * Loads fast-check when a check first needs it: an application that tests nothing does without.
 *
 * @throws ConfigurationError where it is not installed
 */
export async function loadFastCheck(): Promise<typeof FastCheck> {
  try {
    return await import('fast-check');
  } catch (cause) {
    throw new ConfigurationError(
      'checkEscape needs the package fast-check 4, which could not be loaded. Run: npm install --save-dev fast-check',
      { cause },
    );
  }
}

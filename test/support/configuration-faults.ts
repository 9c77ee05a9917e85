import { ConfigurationError } from '../../src/core/foundation/errors/configuration-error.ts';

/** The faults of the ConfigurationError that the call throws, a line each; fails where it throws none or another. */
export function faultsOf(call: () => unknown): string[] {
  try {
    call();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.message.split('\n');
  }
  throw new Error('A ConfigurationError was expected, and nothing was thrown.');
}

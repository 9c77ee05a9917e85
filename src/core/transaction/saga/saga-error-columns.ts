import type { SagaStepsTable } from './saga-tables.ts';

const longestMessage = 2_000;
const longestName = 200;

/** What the journal keeps of an error: its name, its code and its message. Neither its stack nor its cause. */
export function errorColumns(
  error: unknown,
): Pick<SagaStepsTable, 'error_name' | 'error_code' | 'error_message'> {
  if (!(error instanceof Error)) {
    return { error_name: null, error_code: null, error_message: 'Something was thrown that is no error.' };
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : null;
  return {
    error_name: storable(error.name, longestName),
    error_code: code === null ? null : storable(code, longestName),
    error_message: storable(error.message, longestMessage),
  };
}

/** Text as every engine stores it: the journal must not fail over the words of an error. */
export function storable(text: string, longest: number = longestMessage): string {
  return String(text).slice(0, longest).replaceAll('\0', ' ').toWellFormed();
}

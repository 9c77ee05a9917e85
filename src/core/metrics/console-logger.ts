import { escapeControls } from '../foundation/escape-controls.ts';
import type { Logger } from '../foundation/logger.ts';

/** Writes to the console, a line an entry: for what is told where nobody has given a logger. */
export const consoleLogger: Logger = {
  debug: (fields, message) => console.debug(toLine(fields, message)),
  info: (fields, message) => console.info(toLine(fields, message)),
  warn: (fields, message) => console.warn(toLine(fields, message)),
  error: (fields, message) => console.error(toLine(fields, message)),
};

/** The same for warnings and what goes with them; what helps to follow a single call nobody has asked for. */
export const warningLogger: Logger = { ...consoleLogger, debug() {} };

/** As loggers write JSON. The console would break long fields into lines, and print what turns the direction of text. */
function toLine(fields: object, message: string): string {
  return escapeControls(`${message} ${writeSafely(fields)}`);
}

/** What JSON has no word for is named: a line about a failure must not fail itself. */
function writeSafely(fields: object): string {
  try {
    return JSON.stringify(fields, (_, value: unknown) => {
      if (typeof value === 'bigint') return String(value);
      // Its own text may hold anything; those of this library write themselves without a value.
      return value instanceof Error ? value.name : value;
    });
  } catch {
    return '{…}';
  }
}

import { escapeControls } from '../foundation/escape-controls.ts';
import type { Logger } from '../foundation/logger.ts';
import type { StatementListener } from '../foundation/statement-event.ts';

/**
 * Logs every statement with its duration, never its parameters. It is what `debug: true` switches on.
 *
 * @param logger the console where none is given
 */
export function createStatementLog(
  logger: Pick<Logger, 'debug' | 'error'> = consoleLogger,
): StatementListener {
  return ({ sql, duration, error }) => {
    if (error === undefined) logger.debug({ sql, duration }, 'statement');
    else logger.error({ sql, duration, error }, 'statement failed');
  };
}

const consoleLogger: Pick<Logger, 'debug' | 'error'> = {
  debug: (fields, message) => console.debug(toLine(fields, message)),
  error: (fields, message) => console.error(toLine(fields, message)),
};

/** As loggers write JSON. The console would break long fields into lines, and print what turns the direction of text. */
function toLine(fields: object, message: string): string {
  return escapeControls(`${message} ${JSON.stringify(fields)}`);
}

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
  debug: (fields, message) => console.debug(message, fields),
  error: (fields, message) => console.error(message, fields),
};

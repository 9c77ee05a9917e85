import type { LogEvent } from 'kysely';
import type { Logger } from '../foundation/logger.ts';

/**
 * Logs every statement with its duration, never its parameters. It is what `debug: true` switches on.
 *
 * @param logger the console where none is given
 */
export function createStatementLog(
  logger: Pick<Logger, 'debug' | 'error'> = consoleLogger,
): (event: LogEvent) => void {
  return (event) => {
    const fields = { sql: event.query.sql, duration: event.queryDurationMillis };
    if (event.level === 'error') {
      logger.error({ ...fields, error: event.error }, 'statement failed');
    } else {
      logger.debug(fields, 'statement');
    }
  };
}

const consoleLogger: Pick<Logger, 'debug' | 'error'> = {
  debug: (fields, message) => console.debug(message, fields),
  error: (fields, message) => console.error(message, fields),
};

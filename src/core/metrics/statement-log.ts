import { isLiminalDataError } from '../foundation/errors/liminal-data-error.ts';
import type { Logger } from '../foundation/logger.ts';
import type { StatementListener } from '../foundation/statement-event.ts';
import { errorCodeOf } from './error-code.ts';
import type { ParameterRedaction } from './redacted-parameters.ts';
import { statementFields, statementText } from './statement-fields.ts';

/**
 * Logs every statement with its duration, and of its parameters what kind they are. It is what `debug: true` switches on.
 *
 * @param redaction writes the parameters
 * @param logger must not throw
 */
export function createStatementLog(
  redaction: ParameterRedaction,
  logger: Pick<Logger, 'debug' | 'error'>,
): StatementListener {
  return (event) => {
    const { error } = event;
    const fields = { sql: statementText(event.sql), ...statementFields(event, redaction) };
    if (error === undefined) logger.debug(fields, 'statement');
    // What is not ours is the reason of an abort, in which the application may have put anything.
    else
      logger.error(
        { ...fields, error: isLiminalDataError(error) ? error : errorCodeOf(error) },
        'statement failed',
      );
  };
}

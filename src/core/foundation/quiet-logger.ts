import type { Logger } from './logger.ts';

/**
 * For those who report from where nobody hears a failure: a logger must not throw, and one that does all the same
 * must not end a loop, or the process by a rejection that nobody handles.
 *
 * @returns the same logger; what it throws is nobody's
 */
export function quietLogger(logger: Logger): Logger {
  const quiet =
    (level: keyof Logger): Logger['warn'] =>
    (fields, message) => {
      try {
        logger[level](fields, message);
      } catch {
        // There is nobody left to tell.
      }
    };
  return { debug: quiet('debug'), info: quiet('info'), warn: quiet('warn'), error: quiet('error') };
}

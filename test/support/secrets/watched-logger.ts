import { inspect } from 'node:util';
import type { Logger } from '../../../src/core/foundation/logger.ts';
import { hear } from './heard-texts.ts';

let lines = 0;

/** How many lines watched loggers were given. */
export function countLines(): number {
  return lines;
}

/** Looks for secrets in what a logger of a test is given, and hands it on. The library's default is watched anyway. */
export function watchedLogger(logger: Logger): Logger {
  const watch =
    (level: keyof Logger): Logger['warn'] =>
    (fields, message) => {
      lines += 1;
      hear('a line of the log', `${message} ${inspect(fields, { depth: 10, showHidden: true })}`);
      logger[level](fields, message);
    };
  return { debug: watch('debug'), info: watch('info'), warn: watch('warn'), error: watch('error') };
}

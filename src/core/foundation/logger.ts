/**
 * Where the library reports what nobody awaits. The shape of pino, so that such loggers fit as they are. Each
 * method takes fields for programs and a message for people, which holds no secret and no parameter value. It
 * must not throw.
 */
export interface Logger {
  /** What helps to follow a single call. */
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  /** What happened as it should. */
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  /** What went wrong and was dealt with; somebody should look at it in time. */
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  /** What went wrong and was not dealt with. */
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** Says nothing. The default. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
};

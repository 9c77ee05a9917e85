import type { Logger } from '../../src/core/foundation/logger.ts';

/** What was logged. */
export interface LoggedLine {
  readonly level: keyof Logger;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A logger that keeps its lines. */
export interface RecordingLogger extends Logger {
  readonly lines: LoggedLine[];
}

export function recordingLogger(): RecordingLogger {
  const lines: LoggedLine[] = [];
  const level =
    (name: keyof Logger): Logger['warn'] =>
    (fields, message) =>
      void lines.push({ level: name, fields, message });
  return { lines, debug: level('debug'), info: level('info'), warn: level('warn'), error: level('error') };
}

import { ConfigurationError } from '../../../foundation/errors/configuration-error.ts';
import { UnsafeIntegerError } from '../../../foundation/errors/statement-errors.ts';
import type { SentError } from './worker-protocol.ts';

/** Brings an error into a form that crosses threads. Nothing but these few fields of it is sent. */
export function sendError(error: unknown): SentError {
  if (error instanceof UnsafeIntegerError) return { kind: 'unsafeInteger', column: error.column };
  if (error instanceof ConfigurationError) return { kind: 'configuration', message: error.message };
  if (!(error instanceof Error)) return { kind: 'other', name: 'Error', message: String(error) };
  const { code } = error as { code?: unknown };
  return typeof code === 'string'
    ? { kind: 'sqlite', code, message: error.message }
    : { kind: 'other', name: error.name, message: error.message };
}

/** Makes the error that was sent. Those of SQLite are as its driver throws them, for the translation. */
export function receiveError(sent: SentError): Error {
  switch (sent.kind) {
    case 'unsafeInteger':
      return new UnsafeIntegerError(sent.column);
    case 'configuration':
      return new ConfigurationError(sent.message);
    case 'sqlite':
      return Object.assign(new Error(sent.message), { name: 'SqliteError', code: sent.code });
    case 'other':
      return Object.assign(new Error(sent.message), { name: sent.name });
  }
}

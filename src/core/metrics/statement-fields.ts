import { currentActor } from '../foundation/actor-context.ts';
import { escapeControls } from '../foundation/escape-controls.ts';
import { parametersOf, type StatementEvent } from '../foundation/statement-event.ts';
import type { ParameterRedaction } from './redacted-parameters.ts';

/** From how many characters on the text of a statement is cut in a log: the fingerprint's id tells it from others. */
const longestText = 2_000;

/** What every line about a statement tells. Texts that came from outside stay one line in any logger. */
export function statementFields(
  event: StatementEvent,
  redaction: ParameterRedaction,
): Readonly<Record<string, unknown>> {
  const { duration, wait, kind, rows, affected, transaction } = event;
  const parameters = parametersOf(event);
  const requestId = currentActor()?.requestId;
  return {
    duration: roundTime(duration),
    wait: roundTime(wait),
    execution: roundTime(duration - wait),
    kind,
    ...(rows !== undefined && { rows }),
    ...(affected !== undefined && { affected }),
    ...(parameters !== undefined &&
      parameters.length > 0 && { parameters: redaction.describe(event.sql, parameters).map(escapeControls) }),
    ...(transaction !== undefined && { transaction }),
    ...(requestId !== undefined && { requestId: escapeControls(requestId) }),
  };
}

/** @returns the text of a statement for a log: one line, of a length that a log can take */
export function statementText(sql: string): string {
  const text = escapeControls(sql.slice(0, longestText));
  return sql.length > longestText ? `${text}… ${sql.length - longestText} more` : text;
}

/** To a microsecond: what is behind it is noise. */
function roundTime(duration: number): number {
  return Math.round(duration * 1000) / 1000;
}

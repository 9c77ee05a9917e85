import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { AuditEntry } from './audit-entry.ts';

/** How entries are written for others. */
export type AuditExportFormat = 'jsonl' | 'csv';

/**
 * Writes entries as text, one after the other.
 *
 * `jsonl` is one JSON object a line. `csv` is RFC 4180 with a line of names; a cell that a spreadsheet would take
 * for a formula begins with an apostrophe.
 *
 * @param entries in their order; read as the text is taken
 * @param format `jsonl` or `csv`
 * @returns one line at a time, with its end
 * @throws ValidationError where there is no such format
 */
export function exportLines(
  entries: AsyncIterable<AuditEntry>,
  format: AuditExportFormat,
): AsyncGenerator<string, void, undefined> {
  if (format !== 'jsonl' && format !== 'csv') {
    throw new ValidationError([{ path: ['format'], message: 'must be jsonl or csv' }]);
  }
  return format === 'csv' ? writeCsv(entries) : writeJson(entries);
}

async function* writeJson(entries: AsyncIterable<AuditEntry>): AsyncGenerator<string, void, undefined> {
  for await (const entry of entries) yield `${JSON.stringify(entry)}\n`;
}

const columns: Readonly<Record<string, (entry: AuditEntry) => string | number | undefined>> = {
  recorded_at: ({ recordedAt }) => new Date(recordedAt).toISOString(),
  id: ({ id }) => id,
  stream: ({ stream }) => stream,
  seq: ({ seq }) => seq,
  tenant: ({ tenant }) => tenant,
  actor_type: ({ actor }) => actor?.type,
  actor_id: ({ actor }) => actor?.id,
  action: ({ action }) => action,
  entity_type: ({ entity }) => entity?.type,
  entity_id: ({ entity }) => entity?.id,
  request_id: ({ requestId }) => requestId,
  trace_id: ({ traceId }) => traceId,
  changes: ({ changes }) => (changes.length === 0 ? undefined : JSON.stringify(changes)),
  reason: ({ reason }) => reason,
  metadata: ({ metadata }) => (metadata === undefined ? undefined : JSON.stringify(metadata)),
  erased: ({ isErased }) => String(isErased),
  hash: ({ hash }) => hash,
};

async function* writeCsv(entries: AsyncIterable<AuditEntry>): AsyncGenerator<string, void, undefined> {
  const cells = Object.values(columns);
  yield csvLine(Object.keys(columns));
  for await (const entry of entries) yield csvLine(cells.map((cell) => cell(entry)));
}

function csvLine(cells: readonly (string | number | undefined)[]): string {
  return `${cells.map((cell) => (typeof cell === 'string' ? csvText(cell) : (cell ?? ''))).join(',')}\r\n`;
}

/** What makes a formula at the start of a cell, also in full width and behind what spreadsheets trim. */
const formula = /^[\s\p{Cc}\p{Cf}]*[=+\-@＝＋－＠]|^[\t\r\n]/u;

// Each is quoted: separators of other locales, such as a semicolon, then split nothing either.
function csvText(text: string): string {
  return `"${(formula.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
}

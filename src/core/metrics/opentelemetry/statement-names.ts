import { fingerprint, type Fingerprint } from '../fingerprint.ts';
import type { OtelAttributes } from './open-telemetry-api.ts';

/** How a statement, or a batch of them, is named in spans and figures. */
export interface StatementNames {
  /** What is done, and to which tables, such as `select users`; empty where the text does not tell. */
  readonly summary: string;
  /** What spans and figures have in common. It takes few values. */
  readonly attributes: OtelAttributes;
  /** The text, with `?` for each value. */
  readonly text: string;
}

/** As the conventions have it, in characters. */
const longestSummary = 255;
const longestText = 4_000;

/** The names of single statements. The fingerprint of a text is the same object as long as it is kept. */
const known = new WeakMap<Fingerprint, StatementNames>();

/**
 * Names what has run.
 *
 * @param texts that of a statement, or those of the members of a batch
 */
export function nameStatements(texts: readonly string[]): StatementNames {
  const [only = ''] = texts;
  if (texts.length !== 1) return nameBatch(texts);
  const query = fingerprint(only);
  const found = known.get(query) ?? nameAll([query]);
  known.set(query, found);
  return found;
}

function nameBatch(texts: readonly string[]): StatementNames {
  const queries = texts.map((text) => fingerprint(text));
  // The same statement with other values is told once.
  return nameAll([...new Map(queries.map((query) => [query.id, query])).values()], 'BATCH');
}

function nameAll(queries: readonly Fingerprint[], prefix = ''): StatementNames {
  const operation = joined([prefix, onlyOne(queries.map(operationOf))], ' ');
  const collection = onlyOne(queries.flatMap(({ tables }) => (tables.length === 0 ? '' : tables)));
  const summaries = queries.map((query) => joined([operationOf(query), ...query.tables], ' '));
  const summary = joined([prefix, joined(summaries, '; ')], ' ').slice(0, longestSummary);
  return {
    summary,
    attributes: {
      ...(operation !== '' && { 'db.operation.name': operation }),
      ...(collection !== '' && { 'db.collection.name': collection }),
      ...(summary !== '' && { 'db.query.summary': summary }),
    },
    text: shorten(queries.map(({ text }) => text).join('; ')),
  };
}

/** @returns empty where it is not known */
function operationOf({ operation }: Fingerprint): string {
  return operation === 'other' ? '' : operation;
}

/** @returns empty where they are several */
function onlyOne(names: readonly string[]): string {
  const [first = '', ...others] = new Set(names);
  return others.length === 0 ? first : '';
}

function joined(parts: readonly string[], separator: string): string {
  return parts.filter((part) => part !== '').join(separator);
}

/** The text of a fingerprint is as long at most, so that only those of batches are cut. */
function shorten(text: string): string {
  return text.length <= longestText + 2 ? text : `${text.slice(0, text.lastIndexOf(' ', longestText))} …`;
}

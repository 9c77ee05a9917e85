import { SchemaTokenReader } from './sqlite-schema-reader.ts';
import { schemaTokens } from './sqlite-schema-tokens.ts';

/** When a trigger fires. */
export interface TriggerHeader {
  readonly event: string;
  /** Those of `update of`. */
  readonly columns: readonly string[];
  /** Whether it fires in place of a write to a view. */
  readonly isOnView: boolean;
}

/** Reads what stands before the body of a CREATE TRIGGER, as `sqlite_schema` has it. Pure. */
export function readTriggerHeader(text: string): TriggerHeader {
  const reader = new SchemaTokenReader(schemaTokens(text));
  reader.skipTo('trigger');
  reader.take('trigger');
  reader.take('if', 'not', 'exists');
  reader.takeName();
  if (reader.take('.')) reader.takeName();
  const isOnView = reader.take('instead', 'of');
  if (!isOnView && !reader.take('before')) reader.take('after');
  const event = reader.takeAny().value.toLowerCase();
  const columns: string[] = [];
  if (reader.take('of')) {
    do columns.push(reader.takeName());
    while (reader.take(','));
  }
  return { event, columns, isOnView };
}

/** Reads the whole live schema in which a Postgres session makes its tables. */
import type { Kysely } from 'kysely';
import {
  toSchemaSnapshot,
  type SchemaItem,
  type SchemaItemKind,
  type SchemaSnapshot,
} from '../schema-snapshot.ts';
import { schemaQuery, type SchemaRow } from './postgres-schema-query.ts';

/**
 * Reads the current schema (`current_schema()`), in one statement. What extensions own and the record of migrations
 * are not in it.
 *
 * @param db a root handle, a pinned one or a transaction
 * @returns the snapshot
 */
export async function readPostgresSchema(db: Kysely<any>): Promise<SchemaSnapshot> {
  const { rows } = await schemaQuery.execute(db);
  const parts = Map.groupBy(rows, ({ owner }) => owner);
  const toItem = ({ id, kind, name, facts }: SchemaRow): SchemaItem => ({
    kind: kind as SchemaItemKind,
    name,
    facts: readFacts(facts),
    parts: (id === null ? [] : (parts.get(id) ?? [])).map(toItem),
  });
  return toSchemaSnapshot((parts.get(null) ?? []).map(toItem));
}

function readFacts(text: string): Record<string, string> {
  const facts = JSON.parse(text) as Record<string, string | null>;
  return Object.fromEntries(
    Object.entries(facts).filter((entry): entry is [string, string] => entry[1] !== null && entry[1] !== ''),
  );
}

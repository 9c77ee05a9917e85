import type { SchemaItem, SchemaSnapshot } from '../../engine/schema-snapshot.ts';

/** Goes up when a snapshot of the same schema would look otherwise: what is kept from before cannot be compared then. */
export const schemaFormat = 1;

/**
 * Writes a snapshot as text, to be kept. The same schema gives the same text.
 *
 * @param snapshot what `readSchema` of an engine gave
 * @returns JSON in one line, with the version of its form
 * @example
 * await writeFile('schema.json', writeSchemaSnapshot(snapshot));
 */
export function writeSchemaSnapshot(snapshot: SchemaSnapshot): string {
  return JSON.stringify({ format: schemaFormat, items: snapshot.items });
}

/**
 * Reads a snapshot from its text. It never throws.
 *
 * @param text what `writeSchemaSnapshot` gave, or anything
 * @returns undefined where the text is damaged or of another version
 * @example
 * const recorded = readSchemaSnapshot(await readFile('schema.json', 'utf8'));
 */
export function readSchemaSnapshot(text: string): SchemaSnapshot | undefined {
  const value = parse(text);
  if (!isObject(value) || value['format'] !== schemaFormat || !isItems(value['items'])) return undefined;
  return { items: value['items'] };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isItems(value: unknown): value is readonly SchemaItem[] {
  return Array.isArray(value) && value.every(isItem);
}

function isItem(value: unknown): value is SchemaItem {
  if (!isObject(value)) return false;
  const { kind, name, facts, parts } = value;
  if (typeof kind !== 'string' || typeof name !== 'string' || !isObject(facts)) return false;
  return Object.values(facts).every((fact) => typeof fact === 'string') && isItems(parts);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

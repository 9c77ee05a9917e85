import type { SchemaSnapshot } from '../../engine/schema-snapshot.ts';
import { loadCrypto } from '../../foundation/node-crypto.ts';
import { schemaFormat, writeSchemaSnapshot } from './schema-snapshot-text.ts';

/**
 * The fingerprint of a schema: equal for equal snapshots, and for no others.
 *
 * @param snapshot what `readSchema` of an engine gave
 * @returns the version of the form, a colon and the SHA-256 of the snapshot's text in hex. Two that begin with
 *   different versions say nothing of each other.
 * @example
 * const fingerprint = fingerprintSchema(await provider.migrations.readSchema(provider.db)); // '1:9f86d0…'
 */
export function fingerprintSchema(snapshot: SchemaSnapshot): string {
  const hash = loadCrypto().createHash('sha256').update(writeSchemaSnapshot(snapshot), 'utf8');
  return `${schemaFormat}:${hash.digest('hex')}`;
}
